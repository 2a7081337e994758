# Everything is kept by its name, so that a change touches what it is about.
variables {
  banto           = jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto
  organization_id = "o-exampleorgid"
  mails           = { banto-operators = ["sre@example.com", "lead@example.com"], banto-compliance = ["sre@example.com"] }
  owners          = { alice = ["alice@example.com"] }
}

run "people_are_subscribed_and_an_owner_hears_of_the_own_keys_only" {
  assert {
    condition = jsonencode({ for key, one in aws_sns_topic_subscription.mail : key => [one.endpoint, one.protocol, one.filter_policy] }) == jsonencode({
      "banto-operators sre@example.com"  = ["sre@example.com", "email", null]
      "banto-operators lead@example.com" = ["lead@example.com", "email", null]
      "banto-compliance sre@example.com" = ["sre@example.com", "email", null]
      "banto-owners alice@example.com"   = ["alice@example.com", "email", "{\"user\":[\"alice\"]}"]
    })
    error_message = "a subscription is missing, or hears of what it should not"
  }
}

run "owners_who_share_a_mailbox_share_a_subscription" {
  variables {
    owners = { bob = ["team@example.com"], alice = ["alice@example.com", "team@example.com"] }
    mails  = { banto-operators = ["team@example.com", "team@example.com"] }
  }
  assert {
    condition = jsonencode({ for key, one in aws_sns_topic_subscription.mail : key => one.filter_policy }) == jsonencode({
      "banto-operators team@example.com" = null
      "banto-owners alice@example.com"   = "{\"user\":[\"alice\"]}"
      "banto-owners team@example.com"    = "{\"user\":[\"alice\",\"bob\"]}"
    })
    error_message = "SNS takes one subscription of an address to a topic"
  }
}

run "an_address_of_a_whole_topic_and_of_a_user_is_refused" {
  command = plan
  variables {
    mails  = { banto-owners = ["alice@example.com"] }
    owners = { alice = ["alice@example.com"] }
  }
  expect_failures = [var.owners]
}

run "an_address_of_more_users_than_sns_filters_by_is_refused" {
  command = plan
  variables {
    owners = { for number in range(151) : "user-${number}" => ["team@example.com"] }
  }
  expect_failures = [var.owners]
}

run "topics_of_another_region_than_the_providers_are_refused" {
  command = plan
  override_data {
    target = data.aws_region.this
    values = { region = "us-east-1" }
  }
  expect_failures = [data.aws_region.this]
}

run "another_order_changes_nothing" {
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      secrets = reverse(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.secrets)
    })
    mails = { banto-compliance = ["sre@example.com"], banto-operators = ["lead@example.com", "sre@example.com"] }
  }
  assert {
    condition     = output.secret_arns == run.people_are_subscribed_and_an_owner_hears_of_the_own_keys_only.secret_arns
    error_message = "a secret was made anew"
  }
  assert {
    condition     = toset(keys(aws_sns_topic_subscription.mail)) == toset(["banto-operators sre@example.com", "banto-operators lead@example.com", "banto-compliance sre@example.com", "banto-owners alice@example.com"])
    error_message = "a subscription is kept by something else than topic and address"
  }
}

run "a_second_topic_of_a_route_comes_beside_the_others_and_one_of_somebody_else_is_left_to_them" {
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      compliance = {
        queue = { account = "444455556666" }
        topics = [
          { name = "audit", account = "444455556666", region = "ap-northeast-1", arn = "arn:aws:sns:ap-northeast-1:444455556666:audit" },
          { name = "banto-compliance", account = "444455556666", region = "ap-northeast-1", arn = "arn:aws:sns:ap-northeast-1:444455556666:banto-compliance" },
          { name = "payments", account = "222233334444", region = "ap-northeast-1", arn = "arn:aws:sns:ap-northeast-1:222233334444:payments" },
        ]
      }
    })
  }
  assert {
    condition     = { for name, arn in output.topic_arns : name => arn if name != "audit" } == run.people_are_subscribed_and_an_owner_hears_of_the_own_keys_only.topic_arns
    error_message = "a topic was made anew, or somebody else's was made here"
  }
  assert {
    condition     = contains(keys(output.topic_arns), "audit") && output.topics_elsewhere == toset(["arn:aws:sns:ap-northeast-1:222233334444:payments"])
    error_message = "the route's topic is missing, or somebody else's is not named"
  }
}

run "without_secrets_there_is_no_key_to_pay_for" {
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, { secrets = [] })
  }
  assert {
    condition     = length(aws_kms_key.this) == 0 && length(aws_secretsmanager_secret.this) == 0 && output.key_arn == null
    error_message = "a key or a secret is there that nobody needs"
  }
}

run "mails_of_a_topic_that_banto_toml_does_not_name_are_refused" {
  command = plan
  variables {
    mails = { banto-opertors = ["sre@example.com"] }
  }
  expect_failures = [var.mails]
}

run "mails_of_somebody_elses_topic_are_refused" {
  command = plan
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      compliance = {
        queue  = { account = "444455556666" }
        topics = [{ name = "payments", account = "222233334444", region = "ap-northeast-1", arn = "arn:aws:sns:ap-northeast-1:222233334444:payments" }]
      }
    })
    mails = { payments = ["sre@example.com"] }
  }
  expect_failures = [var.mails]
}

run "what_is_no_mail_address_is_refused" {
  command = plan
  variables {
    owners = { alice = ["alice"] }
  }
  expect_failures = [var.owners]
}

run "a_secret_that_can_t_be_restored_is_refused" {
  command = plan
  variables {
    recovery_days = 0
  }
  expect_failures = [var.recovery_days]
}
