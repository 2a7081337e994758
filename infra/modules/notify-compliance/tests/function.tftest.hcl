# The function's pace, its table and its alarms, as docs/OPERATIONS.md has them.
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

run "the_table_is_kept_whatever_happens" {
  assert {
    condition = (
      aws_dynamodb_table.this.name == "banto-compliance" &&
      aws_dynamodb_table.this.hash_key == "pk" &&
      aws_dynamodb_table.this.range_key == "sk" &&
      aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST" &&
      aws_dynamodb_table.this.deletion_protection_enabled &&
      one(aws_dynamodb_table.this.point_in_time_recovery).enabled &&
      one(aws_dynamodb_table.this.ttl).enabled &&
      one(aws_dynamodb_table.this.ttl).attribute_name == "expires"
    )
    error_message = "the table is not as the function needs it, or can be lost"
  }
}

run "the_function_has_the_alarms_that_operations_lists" {
  assert {
    condition = output.alarm_names == {
      for key in [
        "dead-letters-deliveries", "dead-letters-events", "errors", "failed", "fallback", "old-messages-deliveries",
        "old-messages-events", "postponed", "schedule-dropped", "schedule-idle", "schedule-missed", "throttles",
      ] : key => "banto-notify-compliance-${key}"
    }
    error_message = "an alarm is missing, or one more is there: docs/OPERATIONS.md has a table of them"
  }
}

run "queues_are_kept_by_their_words" {
  assert {
    condition     = toset(keys(output.queue_arns)) == toset(["deliveries", "events"]) && toset(keys(output.dead_letter_arns)) == toset(["deliveries", "events"])
    error_message = "a queue is missing, or there is one too many"
  }
}

run "routes_in_another_order_change_nothing" {
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      secrets = reverse(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.secrets)
      compliance = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.compliance, {
        topics = concat([{ arn = "arn:aws:sns:ap-northeast-1:444455556666:banto-operators" }], jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.compliance.topics)
      })
    })
  }
  assert {
    condition = (
      output.policy == run.queues_are_kept_by_their_words.policy &&
      output.queue_arns == run.queues_are_kept_by_their_words.queue_arns
    )
    error_message = "another order in banto.toml changes the function's policy or its queues"
  }
}

run "a_workspace_in_govslack_is_asked_there" {
  variables {
    slack_api_url = "https://slack-gov.com/api"
    environment   = { AWS_CA_BUNDLE = "/opt/proxy.pem" }
  }
  assert {
    condition     = local.environment == tomap({ AWS_CA_BUNDLE = "/opt/proxy.pem", SLACK_API_URL = "https://slack-gov.com/api" })
    error_message = "the function does not get its variables"
  }
}

run "an_address_of_slack_without_tls_is_refused" {
  command = plan
  variables {
    slack_api_url = "http://slack-gov.com/api"
  }
  expect_failures = [var.slack_api_url]
}

run "more_deliveries_in_a_batch_than_lambda_hands_out_at_once_are_refused" {
  command = plan
  variables {
    pace = { deliveries_in_a_batch = 11 }
  }
  expect_failures = [var.pace]
}

run "a_queue_of_another_region_than_the_providers_is_refused" {
  command = plan
  override_data {
    target = data.aws_region.this
    values = { region = "us-east-1" }
  }
  expect_failures = [data.aws_region.this]
}

run "a_table_that_is_to_go_can_be_let_go" {
  variables {
    deletion_protection = false
  }
  assert {
    condition     = !aws_dynamodb_table.this.deletion_protection_enabled
    error_message = "the module can't be destroyed"
  }
}
