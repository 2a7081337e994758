# What IAM has is overridden: the data sources answer as they would on that day.

variables {
  banto = {
    organization = { management_account = "999988887777" }
    rotation = {
      accounts = [{
        id                 = "111122223333"
        role               = { arn = "arn:aws:iam::111122223333:role/banto/rotate-access-keys" }
        assume             = false
        break_glass        = null
        certificate_bucket = "banto-certificates-111122223333"
        certificate_prefix = "certs/"
      }]
      groups = ["access-keys"]
    }
  }
  account_id       = "111122223333"
  organization_id  = "o-exampleorgid"
  rotator_function = "banto-rotate-access-keys"
  groups           = { developers = { roles = ["readonly"] } }
}

run "alice_and_bob_are_users" {
  variables {
    users = {
      alice = { groups = ["developers"], access_key = true }
      bob   = { groups = ["developers"] }
    }
  }

  assert {
    condition     = keys(aws_iam_user.this) == ["alice", "bob"] && length(aws_lambda_invocation.leave) == 0
    error_message = "Both are users, and nobody leaves."
  }

  # Whoever destroys the module by mistake deletes no key.
  assert {
    condition     = !anytrue([for user in aws_iam_user.this : user.force_destroy])
    error_message = "A user of the map could be destroyed with the keys."
  }
}

run "alice_leaves_and_stays_while_she_has_a_key" {
  variables {
    users = { bob = { groups = ["developers"] } }
  }

  override_data {
    target = data.aws_iam_users.this
    values = { names = ["alice", "bob", "root-of-another-tool"] }
  }
  override_data {
    target = data.aws_iam_user.others["alice"]
    values = { path = "/", tags = { "banto:identity" = "managed", "banto:openpgp" = "D1A66E1A23B182C9980F788CFBFCC82A015E7330" } }
  }
  override_data {
    target = data.aws_iam_user.others["root-of-another-tool"]
    values = { path = "/", tags = { team = "platform" } }
  }
  override_data {
    target = data.aws_iam_access_keys.ours["alice"]
    values = { access_keys = [{ access_key_id = "AKIAIOSFODNN7EXAMPLE", status = "Active", create_date = "2026-05-01T00:00:00Z" }] }
  }

  assert {
    condition     = keys(aws_iam_user.this) == ["alice", "bob"]
    error_message = "alice stays, and whom the module did not make is left alone."
  }

  assert {
    condition     = keys(aws_iam_user_policy_attachment.left) == ["alice"] && !anytrue([for group in aws_iam_group_membership.this : contains(group.users, "alice")])
    error_message = "alice may do something still."
  }

  assert {
    condition = (
      jsonencode(jsondecode(aws_lambda_invocation.leave["alice"].input)) == jsonencode({ account = "111122223333", users = ["alice"], mode = "leave" })
      && aws_lambda_invocation.leave["alice"].lifecycle_scope == "CREATE_ONLY"
      && aws_lambda_invocation.leave["alice"].function_name == "banto-rotate-access-keys"
    )
    error_message = "The function is not asked to end alice's keys, once."
  }

  assert {
    condition     = aws_iam_user.this["alice"].tags["banto:identity"] == "left" && aws_iam_user.this["alice"].force_destroy
    error_message = "The leave is not marked as done."
  }

  assert {
    condition     = output.leavers == { alice = 1 }
    error_message = "The output does not say who leaves."
  }
}

run "a_key_that_is_disabled_keeps_alice_too" {
  command = plan

  variables {
    users = { bob = { groups = ["developers"] } }
  }

  override_data {
    target = data.aws_iam_users.this
    values = { names = ["alice", "bob"] }
  }
  override_data {
    target = data.aws_iam_user.others["alice"]
    values = { path = "/", tags = { "banto:identity" = "left" } }
  }
  override_data {
    target = data.aws_iam_access_keys.ours["alice"]
    values = { access_keys = [{ access_key_id = "AKIAIOSFODNN7EXAMPLE", status = "Inactive", create_date = "2026-05-01T00:00:00Z" }] }
  }

  assert {
    condition     = keys(aws_iam_user.this) == ["alice", "bob"] && keys(aws_lambda_invocation.leave) == ["alice"]
    error_message = "alice is gone before her last key."
  }
}

run "alice_is_destroyed_once_she_has_no_key" {
  variables {
    users = { bob = { groups = ["developers"] } }
  }

  override_data {
    target = data.aws_iam_users.this
    values = { names = ["alice", "bob"] }
  }
  override_data {
    target = data.aws_iam_user.others["alice"]
    values = { path = "/", tags = { "banto:identity" = "left" } }
  }
  override_data {
    target = data.aws_iam_access_keys.ours["alice"]
    values = { access_keys = [] }
  }

  assert {
    condition     = keys(aws_iam_user.this) == ["bob"] && length(aws_lambda_invocation.leave) == 0 && length(aws_iam_user_policy_attachment.left) == 0
    error_message = "alice is still there."
  }
}

run "whoever_has_no_key_leaves_by_the_same_way" {
  command = plan

  variables {
    users = { bob = {} }
  }

  override_data {
    target = data.aws_iam_users.this
    values = { names = ["carol", "bob"] }
  }
  override_data {
    target = data.aws_iam_user.others["carol"]
    values = { path = "/", tags = { "banto:identity" = "managed" } }
  }
  override_data {
    target = data.aws_iam_access_keys.ours["carol"]
    values = { access_keys = [] }
  }

  assert {
    condition     = keys(aws_lambda_invocation.leave) == ["carol"] && contains(keys(aws_iam_user.this), "carol")
    error_message = "carol's sessions are not ended before she is gone."
  }
}

# IAM keeps the case that a name was made with, and takes names for one whatever their case.
run "whoever_comes_back_is_a_user_like_any_other" {
  command = plan

  variables {
    users = { alice = { groups = ["developers"] }, bob = {} }
  }

  override_data {
    target = data.aws_iam_users.this
    values = { names = ["Alice", "bob"] }
  }
  override_data {
    target = data.aws_iam_user.others
    values = { path = "/", tags = { "banto:identity" = "left" } }
  }
  override_data {
    target = data.aws_iam_access_keys.ours
    values = { access_keys = [{ access_key_id = "AKIAIOSFODNN7EXAMPLE", status = "Inactive", create_date = "2026-05-01T00:00:00Z" }] }
  }

  assert {
    condition     = length(aws_iam_user_policy_attachment.left) == 0 && !aws_iam_user.this["alice"].force_destroy && aws_iam_user.this["alice"].tags["banto:identity"] == "managed"
    error_message = "alice is still shut out."
  }
}

run "a_leaver_with_a_key_is_refused_where_nothing_ends_the_key" {
  command = plan

  variables {
    users            = { bob = {} }
    rotator_function = null
  }

  override_data {
    target = data.aws_iam_users.this
    values = { names = ["alice", "bob"] }
  }
  override_data {
    target = data.aws_iam_user.others["alice"]
    values = { path = "/", tags = { "banto:identity" = "managed" } }
  }
  override_data {
    target = data.aws_iam_access_keys.ours["alice"]
    values = { access_keys = [{ access_key_id = "AKIAIOSFODNN7EXAMPLE", status = "Active", create_date = "2026-05-01T00:00:00Z" }] }
  }

  expect_failures = [aws_iam_policy.left]
}

run "a_map_that_was_emptied_by_mistake_is_refused" {
  command = plan

  variables {
    users           = {}
    leavers_at_once = 1
  }

  override_data {
    target = data.aws_iam_users.this
    values = { names = ["alice", "bob"] }
  }
  override_data {
    target = data.aws_iam_user.others
    values = { path = "/", tags = { "banto:identity" = "managed" } }
  }

  expect_failures = [aws_iam_policy.left]
}
