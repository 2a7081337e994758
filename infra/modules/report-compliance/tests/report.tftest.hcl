variables {
  banto           = jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto
  alarm_topics    = ["arn:aws:sns:ap-northeast-1:123456789012:banto-alarms"]
  organization_id = "o-exampleorgid"
  athena_results  = { bucket = "banto-athena-444455556666", prefix = "results/" }

  package_s3 = {
    bucket = "example-packages"
    key    = "report-compliance.zip"
    sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  }
}

run "the_function_may_reach_what_banto_toml_names_and_nothing_else" {
  assert {
    condition = { for statement in jsondecode(output.policy).Statement : statement.Sid => flatten([statement.Resource]) } == {
      ListTheArchive                       = ["arn:aws:s3:::banto-log-archive-444455556666"]
      ReadTheArchive                       = ["arn:aws:s3:::banto-log-archive-444455556666/o-exampleorgid/*"]
      BeToldWhatTheStoreAndTheStatusesLack = ["arn:aws:s3:::banto-reports-444455556666"]
      KeepTheMonths                        = ["arn:aws:s3:::banto-reports-444455556666/compliance/*"]
      ReadTheStatusOfAccounts              = ["arn:aws:s3:::banto-reports-444455556666/accounts.json"]
      ListTheAccounts                      = ["*"]
      LookAccountsUp                       = ["arn:aws:organizations::*:account/o-exampleorgid/*"]
      FindTheUnitsAboveAUnit               = ["arn:aws:organizations::*:ou/o-exampleorgid/ou-*"]
      AskTheAggregator                     = ["arn:aws:config:ap-northeast-1:123456789012:config-aggregator/*"]
      SendTheMails = [
        "arn:aws:ses:ap-northeast-1:123456789012:identity/example.com",
        "arn:aws:ses:ap-northeast-1:123456789012:configuration-set/banto",
      ]
      TellOperators                                      = ["arn:aws:sns:ap-northeast-1:444455556666:banto-operators"]
      TellOperatorsThroughTheQueueWhereThePolicyNamesOne = ["arn:aws:sqs:ap-northeast-1:444455556666:banto-deliveries"]
      ReadTheWebhooks                                    = ["arn:aws:secretsmanager:ap-northeast-1:444455556666:secret:banto/slack/*"]
      DecryptTheSecrets                                  = ["arn:aws:kms:ap-northeast-1:444455556666:key/*"]
      AthenaAlone                                        = ["arn:aws:athena:ap-northeast-1:123456789012:workgroup/banto"]
      AthenaAloneFindsTheDatabase = [
        "arn:aws:glue:ap-northeast-1:123456789012:catalog",
        "arn:aws:glue:ap-northeast-1:123456789012:database/banto_config",
      ]
      AthenaAloneReadsTheTables = [
        "arn:aws:glue:ap-northeast-1:123456789012:catalog",
        "arn:aws:glue:ap-northeast-1:123456789012:database/banto_config",
        "arn:aws:glue:ap-northeast-1:123456789012:table/banto_config/*",
      ]
      AthenaAloneFindsTheBuckets = ["arn:aws:s3:::banto-log-archive-444455556666", "arn:aws:s3:::banto-athena-444455556666"]
      AthenaAloneKeepsItsResults = ["arn:aws:s3:::banto-athena-444455556666/results/*"]
    }
    error_message = "the policy reaches something else: ${output.policy}"
  }
}

run "the_secrets_key_is_used_through_secrets_manager_alone" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(output.policy).Statement : statement.Condition if statement.Sid == "DecryptTheSecrets"]) == {
      StringEquals               = { "kms:ViaService" = "secretsmanager.ap-northeast-1.amazonaws.com" }
      "ForAnyValue:StringEquals" = { "kms:ResourceAliases" = "alias/banto-secrets" }
    }
    error_message = "DecryptTheSecrets has other conditions"
  }
}

run "a_policy_that_names_the_least_has_the_least_rights_and_resources" {
  command = plan

  variables {
    banto = {
      report  = { archive = { bucket = "org-config", prefix = "" }, store = { bucket = "org-report", prefix = "" } }
      notices = { operators_topic = { arn = "arn:aws:sns:ap-northeast-1:444455556666:banto-operators" } }
    }
    athena_results = null
  }

  assert {
    condition = { for statement in jsondecode(output.policy).Statement : statement.Sid => flatten([statement.Resource]) } == {
      ListTheArchive                       = ["arn:aws:s3:::org-config"]
      ReadTheArchive                       = ["arn:aws:s3:::org-config/*"]
      BeToldWhatTheStoreAndTheStatusesLack = ["arn:aws:s3:::org-report"]
      KeepTheMonths                        = ["arn:aws:s3:::org-report/*"]
      ListTheAccounts                      = ["*"]
      LookAccountsUp                       = ["arn:aws:organizations::*:account/o-exampleorgid/*"]
      FindTheUnitsAboveAUnit               = ["arn:aws:organizations::*:ou/o-exampleorgid/ou-*"]
      TellOperators                        = ["arn:aws:sns:ap-northeast-1:444455556666:banto-operators"]
    }
    error_message = "the policy has statements that nobody needs: ${output.policy}"
  }
  assert {
    condition     = length(aws_sesv2_email_identity.this) + length(aws_sesv2_configuration_set.this) + length(aws_sns_topic.bounces) + length(aws_quicksight_data_source.this) + length(aws_cloudformation_stack.quicksight_dashboard) == 0
    error_message = "something was made that banto.toml does not ask for"
  }
  assert {
    condition     = toset(keys(local.alarms)) == toset(["errors", "objects-unreadable"])
    error_message = "there are alarms on mails without mails: ${jsonencode(keys(local.alarms))}"
  }
  assert {
    condition     = output.dkim_records == {} && output.bounces_topic_arn == null && output.quicksight_role_arn == null
    error_message = "outputs of what is not there"
  }
}

run "the_archives_key_is_used_where_the_archive_is_onboardings" {
  command = plan

  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      log_archive = { bucket = "banto-log-archive-444455556666", kms_key = "arn:aws:kms:ap-northeast-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab" }
    })
  }

  assert {
    condition     = one([for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "DecryptTheArchiveWhereItHasAKeyOfItsOwn"]) == var.banto.log_archive.kms_key
    error_message = "the function can't decrypt the archive"
  }
}

run "another_archives_key_is_not_taken_for_it" {
  command = plan

  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      log_archive = { bucket = "another", kms_key = "arn:aws:kms:ap-northeast-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab" }
    })
  }

  assert {
    condition     = !strcontains(output.policy, "1234abcd")
    error_message = "the function may decrypt by a key of another bucket"
  }
}

run "a_named_aggregator_is_the_only_one_that_is_asked" {
  command = plan

  variables {
    aggregator_arn = "arn:aws:config:us-east-1:111122223333:config-aggregator/config-aggregator-1a2b3c4d"
  }

  assert {
    condition     = one([for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "AskTheAggregator"]) == var.aggregator_arn
    error_message = "another aggregator is asked"
  }
}

run "the_schedule_runs_on_the_2nd_to_the_5th_and_later_looks_once_a_day_but_never_on_the_1st" {
  command = plan

  assert {
    condition     = { for key, schedule in local.schedules : key => schedule.expression } == { monthly = "cron(0 * 2-5 * ? *)", daily = "cron(0 23 6-31 * ? *)" }
    error_message = "other schedules"
  }
}

run "an_alarm_says_each_thing_that_people_must_put_right" {
  command = plan

  assert {
    condition = toset(keys(output.alarm_names)) == toset([
      "bounces", "errors", "failed", "mails-in-doubt", "mails-refused", "objects-unreadable", "owners-without-address",
      "schedule-dropped", "schedule-idle", "schedule-missed", "throttles",
    ])
    error_message = "other alarms: ${jsonencode(keys(output.alarm_names))}"
  }
  assert {
    condition = alltrue([
      for key in ["mails-in-doubt", "mails-refused", "objects-unreadable", "owners-without-address"] : local.alarms[key].treat_missing_data == "ignore"
    ])
    error_message = "people read that it is over, five minutes later and with nothing mended"
  }
  assert {
    condition     = local.alarms.errors.period * local.alarms.errors.evaluation_periods == 12 * 3600
    error_message = "a single run that is out of time is no fault"
  }
}
