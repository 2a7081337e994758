# Queues, tables, topics and secrets are made by their names, in the provider's region. The function's permissions have ARNs with the region of banto.toml.
data "aws_region" "this" {
  lifecycle {
    postcondition {
      condition     = self.region == local.region
      error_message = "By banto.toml compliance.queue lies in ${local.region}, and the provider's region is ${self.region}. The module needs a provider of the former."
    }
  }
}

locals {
  environment = merge(var.environment, var.slack_api_url == null ? {} : { SLACK_API_URL = var.slack_api_url })
}

module "function" {
  source = "../lambda-function"

  name         = "banto-notify-compliance"
  description  = "Tells people which resources break the rules of AWS Config, and when they are mended"
  package      = var.package
  package_s3   = var.package_s3
  architecture = var.architecture
  policy       = local.policy

  memory = 128
  # A run holds a route for as long, and no longer.
  timeout = 300

  environment = local.environment

  log_retention_days = var.log_retention_days
  log_kms_key        = var.log_kms_key
  keep_log           = var.keep_log

  # docs/OPERATIONS.md, "The two event source mappings", says why these numbers.
  sources = {
    events = {
      name = local.compliance.queue.name
      # Six times the function's timeout (Lambda developer guide, "Configuring a queue to use with Lambda").
      visibility_timeout  = 1800
      max_receives        = 5
      batch_size          = 100
      batching_window     = 1
      maximum_concurrency = var.pace.events_at_once
      senders             = jsonencode(local.event_senders)
      # The daily comparison of thousands of accounts alone takes minutes.
      oldest_message = 1800
    }
    deliveries = {
      name                = local.compliance.deliveries.name
      visibility_timeout  = 1800
      max_receives        = 5
      batch_size          = var.pace.deliveries_in_a_batch
      maximum_concurrency = var.pace.deliveries_at_once
      senders             = jsonencode(local.delivery_senders)
      # A message waits 15 minutes there at most by itself: SQS delays none for longer.
      oldest_message = 1200
    }
  }

  schedules = { daily = var.daily }

  alarms = {
    # What is postponed is sent anew, so that no age and no receive shows it. It comes again within a quarter of an hour.
    postponed = {
      description        = "Records have been postponed for an hour."
      metric             = "RecordsPostponed"
      period             = 900
      evaluation_periods = 4
    }
    # Each run counts anew, with 0 where every route took its messages: and the next run may be about other routes. So the alarm counts by
    # days, and stays until the second day without.
    fallback = {
      description         = "A route did not take its messages within the last two days."
      metric              = "MessagesByFallback"
      period              = 86400
      evaluation_periods  = 2
      datapoints_to_alarm = 1
      treat_missing_data  = "ignore"
    }
  }
  alarm_topics = var.alarm_topics
}
