variables {
  banto           = jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto
  organization_id = "o-exampleorgid"
  alarm_topics    = ["arn:aws:sns:ap-northeast-1:111122223333:banto-alarms"]
  alarm_mails     = ["sre@example.com"]

  package_s3 = {
    bucket = "example-packages"
    key    = "rotate-access-keys.zip"
    sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  }
}

run "the_policy_is_the_functions_own_with_every_name_filled_in" {
  assert {
    condition = toset([for statement in jsondecode(output.policy).Statement : statement.Sid]) == setsubtract(
      [for statement in jsondecode(file("../../../functions/rotate-access-keys/iam-policy.json")).Statement : statement.Sid],
      # The function is in the only identity account.
      ["EnterOtherIdentityAccounts"],
    )
    error_message = "a statement is missing: ${output.policy}"
  }
  assert {
    condition = {
      for statement in jsondecode(output.policy).Statement : statement.Sid => jsonencode(statement.Resource)
      } == {
      ReadTheCredentialReport         = jsonencode("*")
      RotateTheUsersKeys              = jsonencode("arn:aws:iam::111122223333:user/*")
      EndTheUsersSessions             = jsonencode("arn:aws:iam::111122223333:user/*")
      ReadWhatWasDoneWithExposedKeys  = jsonencode("*")
      ReadTheGroupsThatThePolicyNames = jsonencode(["arn:aws:iam::111122223333:group/access-keys", "arn:aws:iam::111122223333:group/*/access-keys"])
      KeepTheRecords                  = jsonencode("arn:aws:secretsmanager:ap-northeast-1:111122223333:secret:banto/access-keys/*")
      SignTheRecords                  = jsonencode("arn:aws:kms:ap-northeast-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")
      FindTheOpenRecords              = jsonencode("*")
      ReadTheCertificates             = jsonencode("arn:aws:s3:::banto-certificates-111122223333/certs/*")

      LearnSinceWhenACertificateHasBeenStored  = jsonencode("arn:aws:s3:::banto-certificates-111122223333")
      TellAMissingCertificateFromAForbiddenOne = jsonencode("arn:aws:s3:::banto-certificates-111122223333")

      ReadTheWebhooks   = jsonencode("arn:aws:secretsmanager:ap-northeast-1:444455556666:secret:banto/slack/*")
      DecryptTheSecrets = jsonencode("arn:aws:kms:ap-northeast-1:444455556666:key/*")
      # The account that applies this, whatever banto.toml says.
      WorkOffTheQueue                  = jsonencode("arn:aws:sqs:ap-northeast-1:123456789012:banto-rotation")
      TellPeople                       = jsonencode(["arn:aws:sns:ap-northeast-1:444455556666:banto-operators", "arn:aws:sns:ap-northeast-1:444455556666:banto-owners"])
      HandRevocationsToOnboardAccounts = jsonencode("arn:aws:sqs:ap-northeast-1:999988887777:banto-accounts")
    }
    error_message = "the policy is ${output.policy}"
  }
  assert {
    condition     = output.queue_arn == jsondecode(jsonencode([for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "WorkOffTheQueue"][0]))
    error_message = "the function works off ${output.queue_arn}, and may not"
  }
  assert {
    condition     = module.function.role_name == "rotate-access-keys"
    error_message = "records and SCPs name another role"
  }
}

run "it_runs_daily_when_the_first_window_begins" {
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      rotation = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.rotation, {
        windows = [{ days = ["mon", "tue"], from = "09:30", to = "17:00", time_zone = "Asia/Tokyo" }]
      })
    })
  }
  assert {
    condition     = local.schedule == { expression = "cron(30 9 * * ? *)", time_zone = "Asia/Tokyo" }
    error_message = "the run is at ${local.schedule.expression} ${local.schedule.time_zone}, and would wait for a window"
  }
}

run "without_windows_it_runs_daily_all_the_same" {
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      rotation = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.rotation, { windows = [] })
    })
  }
  assert {
    condition     = local.schedule == { expression = "cron(0 10 * * ? *)", time_zone = "UTC" }
    error_message = "the run is at ${local.schedule.expression} ${local.schedule.time_zone}"
  }
}

run "a_schedule_of_the_callers_comes_first" {
  variables {
    schedule = { expression = "cron(0 9-16 ? * MON-FRI *)", time_zone = "Europe/Berlin" }
  }
  assert {
    condition     = local.schedule == { expression = "cron(0 9-16 ? * MON-FRI *)", time_zone = "Europe/Berlin" }
    error_message = "the run is at ${local.schedule.expression} ${local.schedule.time_zone}"
  }
}

run "without_slack_signing_groups_and_revocations_it_may_do_less" {
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      rotation = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.rotation, { revocations = null, signing_key = null, groups = [] })
      notices = {
        operators_topic = { arn = "arn:aws:sns:ap-northeast-1:111122223333:banto-people" }
        owners_topic    = { arn = "arn:aws:sns:ap-northeast-1:111122223333:banto-people" }
        queue           = null
        slack           = false
      }
      secrets = []
    })
  }
  assert {
    condition = length(setintersection(
      [for statement in jsondecode(output.policy).Statement : statement.Sid],
      ["SignTheRecords", "ReadTheGroupsThatThePolicyNames", "HandRevocationsToOnboardAccounts", "ReadTheWebhooks", "DecryptTheSecrets", "EnterOtherIdentityAccounts"],
    )) == 0
    error_message = "the policy is ${output.policy}"
  }
  assert {
    condition     = jsonencode(local.resources.TellPeople) == jsonencode(["arn:aws:sns:ap-northeast-1:111122223333:banto-people"])
    error_message = "a topic is named twice"
  }
}

run "beside_the_identity_accounts_it_assumes_their_roles_and_has_none_of_their_rights" {
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      rotation = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.rotation, {
        accounts = [
          { id = "111122223333", role = { arn = "arn:aws:iam::111122223333:role/banto/rotate-access-keys", name = "rotate-access-keys", path = "/banto/" }, assume = true, break_glass = null, certificate_bucket = "one", certificate_prefix = "certs/" },
          { id = "999988887777", role = { arn = "arn:aws:iam::999988887777:role/banto/rotate-access-keys", name = "rotate-access-keys", path = "/banto/" }, assume = true, break_glass = null, certificate_bucket = "two", certificate_prefix = "certs/" },
        ]
      })
    })
  }
  assert {
    condition = toset([for statement in jsondecode(output.policy).Statement : statement.Sid]) == toset([
      "ReadTheWebhooks", "DecryptTheSecrets", "WorkOffTheQueue", "TellPeople", "EnterOtherIdentityAccounts", "HandRevocationsToOnboardAccounts",
    ])
    error_message = "the policy is ${output.policy}"
  }
  assert {
    condition = jsonencode([for statement in jsondecode(output.policy).Statement : statement if statement.Sid == "EnterOtherIdentityAccounts"]) == jsonencode([{
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:ResourceOrgID" = "o-exampleorgid" } }
      Effect    = "Allow"
      Resource  = ["arn:aws:iam::111122223333:role/banto/rotate-access-keys", "arn:aws:iam::999988887777:role/banto/rotate-access-keys"]
      Sid       = "EnterOtherIdentityAccounts"
    }])
    error_message = "the policy is ${output.policy}"
  }
  assert {
    condition     = toset([for statement in local.role_statements : statement.Condition.ArnEquals["aws:PrincipalArn"]]) == toset(["arn:aws:iam::111122223333:role/banto/banto-health-requests", "arn:aws:iam::999988887777:role/banto/banto-health-requests"])
    error_message = "exposed keys of those accounts are not heard of"
  }
}

run "exposed_keys_are_heard_of_and_operators_may_ask_and_nobody_else" {
  variables {
    operators = { sre = "arn:aws:iam::111122223333:role/operators" }
  }
  assert {
    condition = jsonencode(concat(local.rule_statements, local.role_statements)) == jsonencode([
      { Sid = "ExposedKeys", Principal = { Service = "events.amazonaws.com" }, Condition = { ArnEquals = { "aws:SourceArn" = module.health.rule_arn } } },
      { Sid = "OperatorSre", Principal = { AWS = "arn:aws:iam::111122223333:role/operators" }, Condition = { ArnEquals = { "aws:PrincipalArn" = "arn:aws:iam::111122223333:role/operators" } } },
    ])
    error_message = "the senders are ${jsonencode(concat(local.rule_statements, local.role_statements))}"
  }
  assert {
    condition     = module.health.role_arn == null
    error_message = "the rule sends by a role, and the queue's policy lets the rule in"
  }
}

run "the_alarms_are_those_of_the_docs" {
  assert {
    condition     = toset(keys(output.alarm_names)) == toset(["errors", "throttles", "dead-letters-requests", "old-messages-requests", "failed", "schedule-idle", "schedule-missed", "schedule-dropped", "failures", "requests-not-done", "oldest-key", "events-lost"])
    error_message = "the alarms are ${join(", ", keys(output.alarm_names))}"
  }
  assert {
    condition     = module.health.rule_name == "banto-health"
    error_message = "the alarm events-lost watches another rule"
  }
}

run "two_accounts_that_are_the_functions_own_are_refused" {
  command = plan
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      rotation = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.rotation, {
        accounts = [
          for id in ["111122223333", "999988887777"] :
          { id = id, role = { arn = "arn:aws:iam::${id}:role/banto/rotate-access-keys", name = "rotate-access-keys", path = "/banto/" }, assume = false, break_glass = null, certificate_bucket = "one", certificate_prefix = "certs/" }
        ]
      })
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

run "an_organization_id_of_another_form_is_refused" {
  command = plan
  variables {
    organization_id = "r-ab12"
  }
  expect_failures = [var.organization_id]
}
