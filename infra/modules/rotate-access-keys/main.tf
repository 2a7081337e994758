locals {
  # Daily, and not more often: a user with a young key is looked at on one day of thirty, and would be looked at in each run of that day.
  # On every day of the week, though the windows may leave some out: denials of sessions end and reminders go on as the windows allow.
  # Where windows differ by day, a caller who wants all of them names a schedule.
  window = try(local.rotation.windows[0], null)
  begins = local.window == null ? ["10", "00"] : split(":", local.window.from)
  schedule = var.schedule != null ? var.schedule : {
    expression = "cron(${tonumber(local.begins[1])} ${tonumber(local.begins[0])} * * ? *)"
    time_zone  = try(local.window.time_zone, "UTC")
  }
}

module "function" {
  source = "../lambda-function"

  name               = "banto-rotate-access-keys"
  description        = "Rotates the access keys of IAM users, and ends keys that were exposed"
  role_name          = try(local.own.role.name, null)
  role_path          = try(local.own.role.path, "/banto/")
  policy             = local.policy
  package            = var.package
  package_s3         = var.package_s3
  architecture       = var.architecture
  environment        = var.environment
  log_retention_days = var.log_retention_days
  log_kms_key        = var.log_kms_key
  keep_log           = var.keep_log

  memory  = 128
  timeout = 900

  sources = {
    requests = {
      name = var.queue_name
      # The timeout, and not six times it: the function itself says of each message when it comes again, and an exposed key must not wait.
      visibility_timeout = 900
      # A message that fails comes again after 30 s, doubling to 15 minutes: so many receives make 7 days.
      max_receives = 680
      # Each message has the whole timeout.
      batch_size          = 1
      maximum_concurrency = var.maximum_concurrency
      senders             = jsonencode(concat(local.rule_statements, local.role_statements))
      # Half an hour: two of the longest runs.
      oldest_message = 1800
    }
  }

  schedules = { daily = local.schedule }
  invokers  = var.operators

  alarms = {
    # Each run counts anew, with 0 where nothing failed: that of a request, too, which looks at one user and says nothing of what failed in
    # the daily run. So the alarm counts by days, of which each has a daily run, and stays until the second day without a failure.
    failures = {
      description         = "Something was refused or failed in a run of the last two days."
      metric              = "Failures"
      period              = 86400
      evaluation_periods  = 2
      datapoints_to_alarm = 1
      treat_missing_data  = "ignore"
    }
    # A request that is not done comes again at least every 15 minutes. One that came again in each of two half hours is not done for half an hour.
    requests-not-done = {
      description        = "A request or an emergency has come again for half an hour or longer."
      metric             = "RecordsBack"
      period             = 1800
      evaluation_periods = 2
    }
    # By the day, as the schedule is: the daily run looks at everybody.
    oldest-key = {
      description        = "A key is two weeks older than policy and deadline let it become."
      metric             = "OldestKeyAge"
      statistic          = "Maximum"
      threshold          = local.rotation.oldest_key_days * 86400
      period             = 86400
      treat_missing_data = "ignore"
    }
    events-lost = {
      description = "EventBridge could not put AWS Health's event of an exposed key into the queue."
      namespace   = "AWS/Events"
      metric      = "FailedInvocations"
      dimensions  = { RuleName = "banto-health" }
    }
  }
  alarm_topics = var.alarm_topics
}
