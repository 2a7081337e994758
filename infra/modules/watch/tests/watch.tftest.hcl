variables {
  banto      = jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto
  account_id = "111122223333"
  mails      = ["security@example.com", "sre@example.com"]
}

run "each_region_has_a_topic_that_rules_of_it_publish_to" {
  assert {
    condition     = toset([for key, rule in aws_cloudwatch_event_rule.this : rule.region]) == toset(["us-east-1", "ap-northeast-1"])
    error_message = "rules are in other regions"
  }
  assert {
    condition = alltrue([
      for key, target in aws_cloudwatch_event_target.this :
      target.arn == aws_sns_topic.this[target.region].arn && aws_sns_topic.this[target.region].region == target.region
    ])
    error_message = "a rule's topic is in another region, and EventBridge would not find it"
  }
  assert {
    condition     = [for statement in jsondecode(aws_sns_topic_policy.this["us-east-1"].policy).Statement : statement.Condition if statement.Effect == "Allow"] == [{ ArnLike = { "aws:SourceArn" = "arn:aws:events:us-east-1:111122223333:rule/banto-watch-*" } }]
    error_message = "somebody else may publish: ${aws_sns_topic_policy.this["us-east-1"].policy}"
  }
}

run "each_address_is_told_from_each_region" {
  assert {
    condition     = toset(keys(aws_sns_topic_subscription.this)) == toset(flatten([for region in ["us-east-1", "ap-northeast-1"] : [for mail in ["security@example.com", "sre@example.com"] : "${region}/${mail}"]]))
    error_message = "the subscriptions are ${join(", ", keys(aws_sns_topic_subscription.this))}"
  }
}

run "where_home_is_us_east_1_there_is_one_topic" {
  variables {
    region = "us-east-1"
  }
  assert {
    condition     = keys(aws_sns_topic.this) == ["us-east-1"] && contains(keys(aws_cloudwatch_event_rule.this), "us-east-1/records")
    error_message = "the topics are in ${join(", ", keys(aws_sns_topic.this))}"
  }
}

run "where_the_deployment_comes_as_the_reach_role_the_management_account_is_quiet" {
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this["us-east-1/reach-role"].event_pattern).detail.userIdentity.accountId == [{ "anything-but" = ["999988887777"] }]
    error_message = "each deployment is mailed"
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this["ap-northeast-1/code"].event_pattern).detail.userIdentity["$or"][0].sessionContext.sessionIssuer.arn == [{ "anything-but" = ["arn:aws:iam::111122223333:role/OrganizationAccountAccessRole"] }]
    error_message = "each deployment is mailed"
  }
}

run "with_control_tower_the_management_account_is_quiet_too" {
  variables {
    quiet_roles = ["arn:aws:iam::111122223333:role/terraform-apply"]
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      organization = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.organization, { control_tower = true })
    })
  }
  assert {
    condition     = !can(jsondecode(aws_cloudwatch_event_rule.this["us-east-1/reach-role"].event_pattern).detail["$or"])
    error_message = "each session of Control Tower is mailed"
  }
}

run "what_an_account_does_not_have_is_not_watched" {
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      organization = null
      onboarding   = null
      rotation = {
        accounts = [{ id = "111122223333", role = { arn = "arn:aws:iam::111122223333:role/banto/rotate-access-keys" }, break_glass = null, certificate_bucket = "certificates" }]
        # The function runs in another account, and so the key is there.
        signing_key = "arn:aws:kms:ap-northeast-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
      }
    })
  }
  assert {
    condition     = toset([for key in keys(aws_cloudwatch_event_rule.this) : split("/", key)[1]]) == toset(["pins", "slack-ids", "devices", "passwords", "records", "certificates", "code", "rules", "trail"])
    error_message = "the rules are ${join(", ", keys(aws_cloudwatch_event_rule.this))}"
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this["ap-northeast-1/code"].event_pattern).detail.userIdentity["$or"][1].sessionContext.sessionIssuer.arn == [{ exists = false }]
    error_message = "a root user or a user would not be heard of"
  }
}

run "more_quiet_roles_than_a_pattern_holds_are_refused" {
  command = plan
  variables {
    quiet_roles = [for number in range(40) : "arn:aws:iam::111122223333:role/a-role-with-a-rather-long-name-for-deployments-${number}"]
  }
  expect_failures = [aws_cloudwatch_event_rule.this]
}

run "nobody_to_tell_is_refused" {
  command = plan
  variables {
    mails = []
  }
  expect_failures = [var.mails]
}

run "what_is_no_address_is_refused" {
  command = plan
  variables {
    mails = ["sre"]
  }
  expect_failures = [var.mails]
}

run "a_pattern_of_roles_is_refused" {
  command = plan
  variables {
    quiet_roles = ["arn:aws:iam::111122223333:role/terraform-*"]
  }
  expect_failures = [var.quiet_roles]
}

run "an_account_that_the_policy_does_not_name_is_refused" {
  command = plan
  variables {
    account_id = "444455556666"
  }
  expect_failures = [var.account_id]
}
