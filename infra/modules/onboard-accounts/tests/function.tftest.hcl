variables {
  banto           = jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto
  organization_id = "o-exampleorgid"
  alarm_topics    = ["arn:aws:sns:ap-northeast-1:999988887777:banto-alarms"]

  package_s3 = {
    bucket = "example-packages"
    key    = "onboard-accounts.zip"
    sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  }
}

run "queue_table_and_role_have_the_names_that_banto_toml_says" {
  assert {
    condition     = output.queue_arn == "arn:aws:sqs:ap-northeast-1:123456789012:banto-accounts"
    error_message = "the queue is ${output.queue_arn}"
  }
  assert {
    condition     = aws_dynamodb_table.this.name == "banto-accounts" && aws_dynamodb_table.this.hash_key == "account"
    error_message = "the table is not the one that the function asks"
  }
  assert {
    condition     = aws_dynamodb_table.this.deletion_protection_enabled && aws_dynamodb_table.this.point_in_time_recovery[0].enabled && aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST"
    error_message = "the statuses can be lost, or the table throttles"
  }
  assert {
    condition     = module.function.role_name == "onboard-accounts"
    error_message = "other modules let the role onboard-accounts in, and this is ${module.function.role_name}"
  }
}

run "the_policy_is_the_functions_own_with_every_name_filled_in" {
  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Sid] == [for statement in jsondecode(file("../../../functions/onboard-accounts/iam-policy.json")).Statement : statement.Sid]
    error_message = "a statement is missing"
  }
  assert {
    condition = {
      for statement in jsondecode(output.policy).Statement : statement.Sid => jsonencode(statement.Resource)
      } == {
      ListTheAccounts        = jsonencode("*")
      LookAccountsUp         = jsonencode("arn:aws:organizations::999988887777:account/o-exampleorgid/*")
      FindTheUnitsAboveAUnit = jsonencode("arn:aws:organizations::999988887777:ou/o-exampleorgid/ou-*")
      PlaceAccountsOnRequest = jsonencode([
        "arn:aws:organizations::999988887777:account/o-exampleorgid/*",
        "arn:aws:organizations::999988887777:ou/o-exampleorgid/ou-*",
        "arn:aws:organizations::999988887777:root/o-exampleorgid/r-*",
      ])
      LookAtTheStackSet = jsonencode(["arn:aws:cloudformation:ap-northeast-1:999988887777:stackset/banto-baseline:*"])
      EnterAccounts     = jsonencode("arn:aws:iam::*:role/OrganizationAccountAccessRole")
      SeeToTheStackSet = jsonencode([
        "arn:aws:cloudformation:ap-northeast-1:999988887777:stackset/banto-baseline:*",
        "arn:aws:cloudformation:ap-northeast-1:999988887777:stackset-target/banto-baseline:*",
        "arn:aws:cloudformation:ap-northeast-1::type/resource/*",
      ])
      WorkOffTheQueue          = jsonencode("arn:aws:sqs:ap-northeast-1:999988887777:banto-accounts")
      KeepTheStatuses          = jsonencode("arn:aws:dynamodb:ap-northeast-1:999988887777:table/banto-accounts")
      PublishTheDashboardsData = jsonencode("arn:aws:s3:::banto-reports-444455556666/accounts.json")
      HandNoticesOn            = jsonencode("arn:aws:sqs:ap-northeast-1:444455556666:banto-deliveries")
      TellOperators            = jsonencode("arn:aws:sns:ap-northeast-1:444455556666:banto-operators")
      ReadTheWebhooks          = jsonencode("arn:aws:secretsmanager:ap-northeast-1:444455556666:secret:banto/slack/*")
      DecryptTheSecrets        = jsonencode("arn:aws:kms:ap-northeast-1:444455556666:key/*")
    }
    error_message = "the policy is ${output.policy}"
  }
  assert {
    condition = [for statement in jsondecode(output.policy).Statement : statement if statement.Sid == "DecryptTheSecrets"][0].Condition == {
      StringEquals               = { "kms:ViaService" = "secretsmanager.ap-northeast-1.amazonaws.com" }
      "ForAnyValue:StringEquals" = { "kms:ResourceAliases" = "alias/banto-secrets" }
    }
    error_message = "other keys of that account could be used"
  }
}

run "without_stack_set_slack_and_queue_of_notices_it_may_do_less" {
  variables {
    banto = {
      organization = { management_account = "999988887777", control_tower = true }
      onboarding   = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.onboarding, { way = "direct", stack_set = null })
      rotation     = null
      notices      = { operators_topic = { arn = "arn:aws:sns:ap-northeast-1:999988887777:banto-operators" }, queue = null, slack = false }
      secrets      = []
    }
  }
  assert {
    condition = [for statement in jsondecode(output.policy).Statement : statement.Sid] == [
      "ListTheAccounts", "LookAccountsUp", "FindTheUnitsAboveAUnit", "PlaceAccountsOnRequest", "EnterAccounts", "WorkOffTheQueue", "KeepTheStatuses", "PublishTheDashboardsData", "TellOperators",
    ]
    error_message = "the policy is ${output.policy}"
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this["organization"].event_pattern) == { source = ["aws.organizations", "aws.controltower"] }
    error_message = "Control Tower's events are not asked for"
  }
  assert {
    condition     = length(local.role_statements) == 0
    error_message = "somebody may ask for revocations that banto.toml does not name"
  }
}

run "a_delegated_administrator_sees_to_the_stack_set_of_the_management_account" {
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      onboarding = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.onboarding, {
        queue     = { name = "banto-accounts", account = "444455556666", region = "ap-northeast-1", arn = "arn:aws:sqs:ap-northeast-1:444455556666:banto-accounts" }
        stack_set = { name = "banto-baseline", delegated = true }
      })
    })
    senders = { events = "arn:aws:iam::999988887777:role/banto/onboarding-events" }
  }
  assert {
    condition     = contains(local.resources.SeeToTheStackSet, "arn:aws:cloudformation:ap-northeast-1:999988887777:stackset/banto-baseline:*")
    error_message = "the StackSet is out of reach"
  }
  assert {
    condition     = length(aws_cloudwatch_event_rule.this) == 0 && !contains(keys(output.alarm_names), "events-lost")
    error_message = "a rule of an account without the Organization's events would never match"
  }
  assert {
    condition     = contains([for statement in local.role_statements : statement.Condition.ArnEquals["aws:PrincipalArn"]], "arn:aws:iam::999988887777:role/banto/onboarding-events")
    error_message = "the management account can't send its events"
  }
}

run "events_the_rotator_and_operators_may_send_and_nobody_else" {
  variables {
    operators = { sre = "arn:aws:iam::999988887777:role/operators" }
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      rotation = {
        accounts = [
          { id = "111122223333", role = { arn = "arn:aws:iam::111122223333:role/banto/rotate-access-keys" }, assume = false },
          { id = "444455556666", role = { arn = "arn:aws:iam::444455556666:role/banto/rotate-access-keys" }, assume = true },
        ]
        revocations = { arn = "arn:aws:sqs:ap-northeast-1:999988887777:banto-accounts" }
      }
    })
  }
  assert {
    condition = jsonencode(concat(local.rule_statements, local.role_statements)) == jsonencode([
      { Sid = "EventsOfTheOrganization", Principal = { Service = "events.amazonaws.com" }, Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.this["organization"].arn } } },
      { Sid = "OperatorSre", Principal = { AWS = "arn:aws:iam::999988887777:root" }, Condition = { ArnEquals = { "aws:PrincipalArn" = "arn:aws:iam::999988887777:role/operators" } } },
      { Sid = "Rotator111122223333", Principal = { AWS = "arn:aws:iam::111122223333:root" }, Condition = { ArnEquals = { "aws:PrincipalArn" = "arn:aws:iam::111122223333:role/banto/rotate-access-keys" } } },
    ])
    error_message = "the senders are ${jsonencode(concat(local.rule_statements, local.role_statements))}"
  }
}

run "the_alarms_are_those_of_the_docs" {
  assert {
    condition     = toset(keys(output.alarm_names)) == toset(["errors", "throttles", "dead-letters-accounts", "old-messages-accounts", "failed", "schedule-idle", "schedule-missed", "schedule-dropped", "accounts-failed", "events-lost"])
    error_message = "the alarms are ${join(", ", keys(output.alarm_names))}"
  }
}

run "a_policy_without_onboarding_is_refused" {
  command = plan
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, { onboarding = null, organization = null })
  }
  expect_failures = [var.banto]
}

run "an_organization_id_of_another_form_is_refused" {
  command = plan
  variables {
    organization_id = "r-ab12"
  }
  expect_failures = [var.organization_id]
}

run "the_way_by_stack_set_without_a_stack_set_is_refused" {
  command = plan
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      onboarding = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.onboarding, { stack_set = null })
    })
  }
  expect_failures = [var.banto]
}

run "slack_without_a_secret_is_refused" {
  command = plan
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, { secrets = [] })
  }
  expect_failures = [var.banto]
}

run "a_queue_of_another_region_than_the_providers_is_refused" {
  command = plan
  override_data {
    target = data.aws_region.this
    values = { region = "us-east-1" }
  }
  expect_failures = [data.aws_region.this]
}
