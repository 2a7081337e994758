# Queues, tables, topics and secrets are made by their names, in the provider's region. The function's permissions have ARNs with the region of banto.toml.
data "aws_region" "this" {
  lifecycle {
    postcondition {
      condition     = self.region == local.queue.region
      error_message = "By banto.toml onboarding.queue lies in ${local.queue.region}, and the provider's region is ${self.region}. The module needs a provider of the former."
    }
  }
}

module "function" {
  source = "../lambda-function"

  name               = "banto-onboard-accounts"
  description        = "Brings every account of the Organization to its baseline, and keeps it there"
  policy             = local.policy
  package            = var.package
  package_s3         = var.package_s3
  architecture       = var.architecture
  environment        = var.environment
  log_retention_days = var.log_retention_days
  log_kms_key        = var.log_kms_key
  keep_log           = var.keep_log

  # An account waits for AWS most of the time.
  memory = 128
  # An account is begun only while ten minutes are left, so that with less than the most that Lambda has none might ever be.
  timeout = 900

  sources = {
    accounts = {
      name = local.queue.name
      # Six times the timeout (Lambda developer guide, "Creating and configuring an Amazon SQS event source mapping").
      visibility_timeout  = 6 * 900
      max_receives        = 5
      batch_size          = 10
      maximum_concurrency = var.maximum_concurrency
      senders             = jsonencode(concat(local.rule_statements, local.role_statements))
      # Half a day: thousands of accounts take hours, and the next day's come on top of what is left then.
      oldest_message = 12 * 3600
    }
  }

  schedules = { daily = var.schedule }
  invokers  = var.operators

  alarms = merge(
    {
      # Each batch counts anew, with 0 where no account failed. So the alarm stays until an hour without one.
      accounts-failed = {
        description        = "An account could not be brought to its baseline."
        metric             = "AccountsFailed"
        period             = 3600
        treat_missing_data = "ignore"
      }
    },
    {
      for key, rule in aws_cloudwatch_event_rule.this : "events-lost" => {
        description = "EventBridge could not put an event of the Organization into the queue."
        namespace   = "AWS/Events"
        metric      = "FailedInvocations"
        dimensions  = { RuleName = rule.name }
      }
    },
  )
  alarm_topics = var.alarm_topics
}

resource "aws_dynamodb_table" "this" {
  #checkov:skip=CKV_AWS_119:The table has names and conditions of accounts, and DynamoDB encrypts it by its own key
  name         = local.onboarding.table
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "account"

  attribute {
    name = "account"
    type = "S"
  }

  # What was told, and what waits, is in it: without it everything would be told anew.
  point_in_time_recovery {
    enabled = true
  }
  deletion_protection_enabled = var.deletion_protection
}
