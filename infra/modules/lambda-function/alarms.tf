locals {
  of_function = { FunctionName = var.name }

  # The time without an invocation in two halves: in the first the alarm schedule-idle turns, in the second schedule-missed waits before it tells.
  # A new alarm has no data, which is what it looks for. So it turns at once, and without the second half it would tell on the first day of each function.
  missed_after = [for schedule in values(var.schedules) : schedule.missed_after if schedule.missed_after > 0]
  idle_hours   = ceil(max(0, local.missed_after...) / 2)
  missed       = toset(length(local.missed_after) > 0 && !contains(keys(var.alarms), "schedule-missed") ? ["schedule-missed"] : [])

  alarm_defaults = {
    statistic           = "Sum"
    comparison          = "GreaterThanThreshold"
    threshold           = 0
    period              = 300
    evaluation_periods  = 1
    datapoints_to_alarm = null
    treat_missing_data  = "notBreaching"
  }

  # What every function has. docs/OPERATIONS.md says what each means and what to do.
  common_alarms = merge(
    {
      errors = merge(local.alarm_defaults, {
        description = "An invocation failed."
        namespace   = "AWS/Lambda"
        metric      = "Errors"
        dimensions  = local.of_function
      })
      # SQS and Lambda ask again by themselves, so that a moment's throttling harms nothing: a quarter of an hour of it does.
      throttles = merge(local.alarm_defaults, {
        description        = "Lambda has refused invocations for a quarter of an hour."
        namespace          = "AWS/Lambda"
        metric             = "Throttles"
        dimensions         = local.of_function
        evaluation_periods = 3
      })
    },
    {
      for key, source in var.sources : "dead-letters-${key}" => merge(local.alarm_defaults, {
        description = "A message of ${source.name} was given up."
        namespace   = "AWS/SQS"
        metric      = "ApproximateNumberOfMessagesVisible"
        dimensions  = { QueueName = "${source.name}-dead" }
        statistic   = "Maximum"
      })
    },
    {
      # A message that was received three times and is still there is left out of this metric (SQS developer guide, "Available CloudWatch metrics for Amazon SQS"):
      # it tells of messages that nobody takes, and not of one that fails again and again.
      for key, source in var.sources : "old-messages-${key}" => merge(local.alarm_defaults, {
        description = "Messages of ${source.name} wait for too long."
        namespace   = "AWS/SQS"
        metric      = "ApproximateAgeOfOldestMessage"
        dimensions  = { QueueName = source.name }
        statistic   = "Maximum"
        threshold   = source.oldest_message
      }) if source.oldest_message != null
    },
    {
      for key in local.failures : key => merge(local.alarm_defaults, {
        description = "An invocation that nobody waits for was given up."
        namespace   = "AWS/SQS"
        metric      = "ApproximateNumberOfMessagesVisible"
        dimensions  = { QueueName = "${var.name}-failed" }
        statistic   = "Maximum"
      })
    },
    {
      # By hours, since an alarm with shorter periods looks back a day at most (CloudWatch API reference, PutMetricAlarm).
      for key in local.missed : "schedule-idle" => merge(local.alarm_defaults, {
        description        = "No schedule of the function's has invoked it for ${local.idle_hours} hours. This alarm tells nobody: schedule-missed waits as long again, and does."
        namespace          = "AWS/Scheduler"
        metric             = "InvocationAttemptCount"
        dimensions         = { ScheduleGroup = var.name }
        comparison         = "LessThanThreshold"
        threshold          = 1
        period             = 3600
        evaluation_periods = local.idle_hours
        treat_missing_data = "breaching"
      })
    },
    {
      for key in toset(length(var.schedules) > 0 ? ["schedule-dropped"] : []) : key => merge(local.alarm_defaults, {
        description = "A schedule could not invoke the function."
        namespace   = "AWS/Scheduler"
        metric      = "InvocationDroppedCount"
        dimensions  = { ScheduleGroup = var.name }
      })
    },
  )

  own_alarms = {
    for key, alarm in var.alarms : key => merge(alarm, { dimensions = coalesce(alarm.dimensions, { Function = var.name }) })
  }

  alarms = merge(local.common_alarms, local.own_alarms)

  # Parts of another alarm, which tells.
  silent = ["schedule-idle"]
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${each.value.description} What to do: docs/OPERATIONS.md, \"Alarms\"."
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  period              = each.value.period
  evaluation_periods  = each.value.evaluation_periods
  datapoints_to_alarm = coalesce(each.value.datapoints_to_alarm, each.value.evaluation_periods)
  treat_missing_data  = each.value.treat_missing_data

  alarm_actions = contains(local.silent, each.key) ? [] : var.alarm_topics
  # Whoever was called is told that it is over.
  ok_actions = contains(local.silent, each.key) ? [] : var.alarm_topics
}

# What turned tells nobody before the wait is over, and not at all where it turns back meanwhile (CloudWatch user guide, "Suppressing composite alarm
# actions"). The wait is meant for the other alarm that is named there: whoever hears that a schedule could not invoke need not hear this as well.
resource "aws_cloudwatch_composite_alarm" "missed" {
  for_each = local.missed

  alarm_name        = "${var.name}-${each.key}"
  alarm_description = "No schedule of the function's has invoked it for ${max(local.missed_after...)} hours. What to do: docs/OPERATIONS.md, \"Alarms\"."
  alarm_rule        = "ALARM(\"${aws_cloudwatch_metric_alarm.this["schedule-idle"].alarm_name}\")"

  actions_suppressor {
    alarm       = aws_cloudwatch_metric_alarm.this["schedule-dropped"].alarm_name
    wait_period = (max(local.missed_after...) - local.idle_hours) * 3600
    # Five minutes, as long as the other alarm's period: it has turned back by then, or turned again.
    extension_period = 300
  }

  alarm_actions = var.alarm_topics
  ok_actions    = var.alarm_topics
}
