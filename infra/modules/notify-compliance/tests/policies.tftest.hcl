# What the function may do, and who may send to it.
variables {
  banto           = jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto
  organization_id = "o-exampleorgid"
  aggregator_arn  = "arn:aws:config:ap-northeast-1:444455556666:config-aggregator/config-aggregator-abcd1234"
  alarm_topics    = ["arn:aws:sns:ap-northeast-1:444455556666:banto-alarms"]
  package_s3 = {
    bucket = "example-packages"
    key    = "notify-compliance.zip"
    sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  }
}

run "the_function_may_do_what_it_does_on_what_banto_toml_names" {
  assert {
    condition = jsonencode({ for statement in jsondecode(output.policy).Statement : statement.Sid => statement.Resource }) == jsonencode({
      ListTheAccounts        = "*"
      LookAccountsUp         = "arn:aws:organizations::*:account/o-exampleorgid/*"
      FindTheUnitsAboveAUnit = "arn:aws:organizations::*:ou/o-exampleorgid/ou-*"
      AskTheAggregator       = "arn:aws:config:ap-northeast-1:444455556666:config-aggregator/config-aggregator-abcd1234"
      WorkOffTheQueues       = ["arn:aws:sqs:ap-northeast-1:444455556666:banto-compliance", "arn:aws:sqs:ap-northeast-1:444455556666:banto-deliveries"]
      KeepTheLedger          = "arn:aws:dynamodb:ap-northeast-1:444455556666:table/banto-compliance"
      TellByTopics           = ["arn:aws:sns:ap-northeast-1:444455556666:banto-compliance", "arn:aws:sns:ap-northeast-1:444455556666:banto-operators"]
      TellByMail             = ["arn:aws:ses:ap-northeast-1:444455556666:identity/example.com", "arn:aws:ses:ap-northeast-1:444455556666:configuration-set/banto"]
      ReadTheTokenTheWebhooksAndTheEndpoints = [
        "arn:aws:secretsmanager:ap-northeast-1:444455556666:secret:banto/slack/*",
        "arn:aws:secretsmanager:ap-northeast-1:444455556666:secret:banto/endpoints/*",
      ]
      DecryptTheSecrets = "arn:aws:kms:ap-northeast-1:444455556666:key/*"
    })
    error_message = "a statement is missing, or has another resource"
  }
  assert {
    condition = jsonencode([for statement in jsondecode(output.policy).Statement : statement.Condition if try(statement.Condition, null) != null]) == jsonencode([{
      StringEquals               = { "kms:ViaService" = "secretsmanager.ap-northeast-1.amazonaws.com" }
      "ForAnyValue:StringEquals" = { "kms:ResourceAliases" = "alias/banto-secrets" }
    }])
    error_message = "the function decrypts otherwise than through Secrets Manager, or by another key"
  }
}

run "a_second_topic_of_a_route_may_be_told_too" {
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      compliance = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.compliance, {
        topics = [
          { arn = "arn:aws:sns:us-east-1:222233334444:payments" },
          { arn = "arn:aws:sns:ap-northeast-1:444455556666:banto-operators" },
          { arn = "arn:aws:sns:ap-northeast-1:444455556666:banto-compliance" },
        ]
      })
    })
  }
  assert {
    condition = one([for statement in jsondecode(output.policy).Statement : jsonencode(statement.Resource) if statement.Sid == "TellByTopics"]) == jsonencode([
      "arn:aws:sns:ap-northeast-1:444455556666:banto-compliance",
      "arn:aws:sns:ap-northeast-1:444455556666:banto-operators",
      "arn:aws:sns:us-east-1:222233334444:payments",
    ])
    error_message = "a route's topic is missing, or stands twice"
  }
}

run "without_secrets_and_mail_the_function_may_read_and_mail_nothing" {
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      secrets    = []
      compliance = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.compliance, { mail_from = null })
    })
  }
  assert {
    condition     = length(setintersection(["TellByMail", "ReadTheTokenTheWebhooksAndTheEndpoints", "DecryptTheSecrets"], jsondecode(output.policy).Statement[*].Sid)) == 0
    error_message = "the function may do what banto.toml has no use for"
  }
}

run "mails_go_by_no_set_where_the_report_has_none" {
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, { report = null })
  }
  assert {
    condition     = one([for statement in jsondecode(output.policy).Statement : jsonencode(statement.Resource) if statement.Sid == "TellByMail"]) == jsonencode(["arn:aws:ses:ap-northeast-1:444455556666:identity/example.com"])
    error_message = "the function may send by a set that banto.toml does not name"
  }
}

run "secrets_of_another_account_are_read_there" {
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      secrets = [{ name = "banto/slack/token", account = "222233334444", region = "us-east-1" }]
    })
  }
  assert {
    condition = jsonencode([for statement in jsondecode(output.policy).Statement : statement.Resource if contains(["ReadTheTokenTheWebhooksAndTheEndpoints", "DecryptTheSecrets"], statement.Sid)]) == jsonencode([
      ["arn:aws:secretsmanager:us-east-1:222233334444:secret:banto/slack/*", "arn:aws:secretsmanager:us-east-1:222233334444:secret:banto/endpoints/*"],
      "arn:aws:kms:us-east-1:222233334444:key/*",
    ])
    error_message = "the function reads secrets where there are none"
  }
}

run "rules_of_the_organization_send_events_and_other_functions_send_notices" {
  assert {
    condition = jsonencode(local.event_senders) == jsonencode([{
      Sid       = "RulesOfTheOrganization"
      Principal = { AWS = "*" }
      Condition = {
        StringEquals = { "aws:PrincipalOrgID" = "o-exampleorgid" }
        ArnLike      = { "aws:PrincipalArn" = "arn:aws:iam::*:role/banto/banto-forward-*" }
      }
    }])
    error_message = "others than the rules of the Organization send events"
  }
  assert {
    condition = jsonencode(local.delivery_senders) == jsonencode([{
      Sid       = "FunctionsOfOtherAccounts"
      Principal = { AWS = ["arn:aws:iam::999988887777:root"] }
      Condition = {
        StringEquals = { "aws:PrincipalOrgID" = "o-exampleorgid" }
        ArnEquals    = { "aws:PrincipalArn" = ["arn:aws:iam::999988887777:role/banto/onboard-accounts"] }
      }
    }])
    error_message = "others than onboard-accounts hand notices on"
  }
}

run "where_notices_do_not_go_by_the_queue_nobody_sends_to_it" {
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      notices = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.notices, { queue = null })
    })
  }
  assert {
    condition     = length(local.delivery_senders) == 0
    error_message = "another account sends deliveries"
  }
}

run "a_policy_without_compliance_is_refused" {
  command = plan
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, { compliance = null })
  }
  expect_failures = [var.banto]
}

run "a_queue_in_a_region_without_rules_is_refused" {
  command = plan
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      organization = { regions = ["us-east-1"] }
    })
  }
  expect_failures = [var.banto]
}

run "two_queues_of_two_accounts_are_refused" {
  command = plan
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      compliance = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.compliance, {
        deliveries = { name = "banto-deliveries", account = "222233334444", region = "ap-northeast-1", arn = "arn:aws:sqs:ap-northeast-1:222233334444:banto-deliveries" }
      })
    })
  }
  expect_failures = [var.banto]
}

run "an_aggregators_name_is_refused_where_its_arn_is_needed" {
  command = plan
  variables {
    aggregator_arn = "banto"
  }
  expect_failures = [var.aggregator_arn]
}

run "a_domain_that_the_sender_is_not_of_is_refused" {
  command = plan
  variables {
    mail_identity = "example.org"
  }
  expect_failures = [var.mail_identity]
}

run "a_sender_with_a_wildcard_is_refused" {
  command = plan
  variables {
    senders = ["arn:aws:iam::222233334444:role/*"]
  }
  expect_failures = [var.senders]
}
