run "a_role_that_trusts_nobody_is_refused" {
  command = plan
  variables { roles = { admin = { trusted = [] } } }
  expect_failures = [var.roles]
}

run "a_role_that_trusts_no_account_is_refused" {
  command = plan
  variables { roles = { admin = { trusted = ["*"] } } }
  expect_failures = [var.roles]
}

run "half_an_hour_is_refused" {
  command = plan
  variables { roles = { admin = { trusted = ["111122223333"], max_session_hours = 0.5 } } }
  expect_failures = [var.roles]
}

run "an_unknown_session_name_is_refused" {
  command = plan
  variables { roles = { admin = { trusted = ["111122223333"], session_name = "alice" } } }
  expect_failures = [var.roles]
}

run "conditions_that_are_no_object_are_refused" {
  command = plan
  variables { roles = { admin = { trusted = ["111122223333"], conditions = "[]" } } }
  expect_failures = [var.roles]
}

run "names_that_iam_takes_for_one_are_refused" {
  command = plan
  variables { roles = { admin = { trusted = ["111122223333"] }, Admin = { trusted = ["111122223333"] } } }
  expect_failures = [var.roles]
}

run "bantos_own_tag_is_refused" {
  command = plan
  variables { roles = { admin = { trusted = ["111122223333"], tags = { "banto:managed" = "no" } } } }
  expect_failures = [var.roles]
}

run "a_policy_with_the_name_of_a_denial_is_refused" {
  command = plan
  variables { roles = { admin = { trusted = ["111122223333"], inline_policies = { banto-revoked-alice = "{\"Statement\": []}" } } } }
  expect_failures = [var.roles]
}

run "an_unknown_pattern_is_refused" {
  command = plan
  variables { patterns = { root = { trusted = ["111122223333"] } } }
  expect_failures = [var.patterns]
}

run "a_pipeline_that_is_nobodys_is_refused" {
  command = plan
  variables { patterns = { terraform-apply = { trusted = ["999988887777"] } } }
  expect_failures = [var.patterns]
}

run "a_role_that_is_said_twice_is_refused" {
  command = plan
  variables {
    roles    = { admin = { trusted = ["111122223333"] } }
    patterns = { admin = { trusted = ["111122223333"] } }
  }
  expect_failures = [var.patterns]
}
