variables {
  name         = "banto-example"
  description  = "Says what time it is"
  timeout      = 60
  policy       = "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"Own\", \"Effect\": \"Allow\", \"Action\": \"sns:Publish\", \"Resource\": \"arn:aws:sns:ap-northeast-1:123456789012:example\"}]}"
  alarm_topics = ["arn:aws:sns:ap-northeast-1:123456789012:banto-alarms"]

  package_s3 = {
    bucket = "example-packages"
    key    = "example.zip"
    sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  }

  sources = {
    requests = {
      name                = "banto-requests"
      visibility_timeout  = 360
      max_receives        = 5
      maximum_concurrency = 10
      oldest_message      = 1800
      senders             = "[{\"Sid\": \"Rule\", \"Principal\": {\"Service\": \"events.amazonaws.com\"}, \"Condition\": {\"ArnEquals\": {\"aws:SourceArn\": \"arn:aws:events:ap-northeast-1:123456789012:rule/example\"}}}]"
    }
  }

  schedules = { daily = { expression = "cron(0 3 * * ? *)" } }
}

run "the_function_may_write_its_log_and_keep_what_failed_besides_its_own_policy" {
  assert {
    condition     = aws_iam_role_policy.own.policy == var.policy
    error_message = "the function's own policy was changed"
  }
  assert {
    condition = jsonencode(jsondecode(aws_iam_role_policy.common.policy).Statement) == jsonencode([
      { Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Effect = "Allow", Resource = "${aws_cloudwatch_log_group.this.arn}:log-stream:*", Sid = "WriteTheLog" },
      { Action = "sqs:SendMessage", Effect = "Allow", Resource = aws_sqs_queue.failed["failed"].arn, Sid = "KeepWhatFailed" },
    ])
    error_message = "the common policy is ${aws_iam_role_policy.common.policy}"
  }
  assert {
    condition     = aws_iam_role.this.name == "example" && aws_iam_role.this.path == "/banto/"
    error_message = "the policy's names of roles hold no longer"
  }
}

run "the_log_is_there_before_the_function_and_ends_some_day" {
  assert {
    condition     = aws_lambda_function.this.logging_config[0].log_group == aws_cloudwatch_log_group.this.name && aws_cloudwatch_log_group.this.retention_in_days == 365
    error_message = "the log is another one, or has no end"
  }
  assert {
    condition     = aws_lambda_function.this.logging_config[0].log_format == "Text"
    error_message = "Lambda would wrap the metrics' lines, and CloudWatch would not read them"
  }
}

run "a_message_that_fails_comes_again_alone_and_ends_in_the_dead_letter_queue" {
  assert {
    condition     = jsondecode(aws_sqs_queue.this["requests"].redrive_policy) == { deadLetterTargetArn = aws_sqs_queue.dead["requests"].arn, maxReceiveCount = 5 }
    error_message = "dead letters go elsewhere: ${aws_sqs_queue.this["requests"].redrive_policy}"
  }
  assert {
    condition     = aws_sqs_queue.dead["requests"].name == "banto-requests-dead" && aws_sqs_queue.dead["requests"].message_retention_seconds == 14 * 24 * 3600
    error_message = "the dead letter queue has another name, or forgets too soon"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_allow_policy.this["requests"].redrive_allow_policy).sourceQueueArns[0] == aws_sqs_queue.this["requests"].arn
    error_message = "another queue may use the dead letter queue"
  }
  assert {
    condition     = contains(aws_lambda_event_source_mapping.this["requests"].function_response_types, "ReportBatchItemFailures")
    error_message = "a whole batch comes again when one message of it fails"
  }
  assert {
    condition     = aws_lambda_event_source_mapping.this["requests"].scaling_config[0].maximum_concurrency == 10
    error_message = "nothing limits the invocations"
  }
}

run "only_the_senders_may_send_and_nobody_without_tls" {
  assert {
    condition = jsondecode(aws_sqs_queue_policy.this["requests"].policy).Statement[1] == {
      Sid       = "Rule"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.this["requests"].arn
      Condition = { ArnEquals = { "aws:SourceArn" = "arn:aws:events:ap-northeast-1:123456789012:rule/example" } }
    }
    error_message = "the sender's statement is ${aws_sqs_queue_policy.this["requests"].policy}"
  }
  assert {
    condition = alltrue([
      for policy in values(aws_sqs_queue_policy.this) :
      jsondecode(policy.policy).Statement[0].Effect == "Deny" && jsondecode(policy.policy).Statement[0].Condition == { Bool = { "aws:SecureTransport" = "false" } }
    ])
    error_message = "a queue takes what comes without TLS"
  }
  assert {
    condition     = toset([for key, policy in aws_sqs_queue_policy.this : key if length(jsondecode(policy.policy).Statement) > 1]) == toset(["requests"])
    error_message = "somebody else may write to a queue of what failed"
  }
}

run "the_schedule_may_invoke_this_function_and_comes_by_its_group_only" {
  assert {
    condition     = jsondecode(aws_iam_role.schedule["schedule"].assume_role_policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == aws_scheduler_schedule_group.this["schedule"].arn
    error_message = "another schedule may use the role"
  }
  assert {
    condition     = toset([for statement in jsondecode(aws_iam_role_policy.schedule["schedule"].policy).Statement : statement.Resource]) == toset([aws_lambda_function.this.arn, aws_sqs_queue.failed["failed"].arn])
    error_message = "the schedule's role may do more: ${aws_iam_role_policy.schedule["schedule"].policy}"
  }
  assert {
    condition     = jsondecode(aws_scheduler_schedule.this["daily"].target[0].input) == { source = "aws.scheduler", "detail-type" = "Scheduled Event", detail = {} }
    error_message = "the functions don't know this event as the schedule's"
  }
  assert {
    condition     = aws_scheduler_schedule.this["daily"].target[0].dead_letter_config[0].arn == aws_sqs_queue.failed["failed"].arn
    error_message = "a schedule that can't invoke the function is lost"
  }
}

run "what_fails_for_good_is_kept" {
  assert {
    condition     = aws_lambda_function_event_invoke_config.this["failed"].destination_config[0].on_failure[0].destination == aws_sqs_queue.failed["failed"].arn
    error_message = "an invocation that failed for good is lost"
  }
  assert {
    condition     = aws_lambda_function_event_invoke_config.this["failed"].maximum_retry_attempts == 2 && aws_lambda_function_event_invoke_config.this["failed"].maximum_event_age_in_seconds == 6 * 3600
    error_message = "Lambda tries for another time"
  }
}

run "every_alarm_reaches_the_topics_when_it_begins_and_when_it_ends" {
  assert {
    condition = alltrue([
      for key, alarm in merge(aws_cloudwatch_metric_alarm.this, aws_cloudwatch_composite_alarm.missed) :
      alarm.alarm_actions == toset(var.alarm_topics) && alarm.ok_actions == toset(var.alarm_topics) if key != "schedule-idle"
    ])
    error_message = "an alarm reaches nobody"
  }
  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.this)) == toset(["errors", "throttles", "dead-letters-requests", "old-messages-requests", "failed", "schedule-idle", "schedule-dropped"])
    error_message = "the alarms are ${join(", ", keys(aws_cloudwatch_metric_alarm.this))}"
  }
  assert {
    condition     = output.alarm_names["dead-letters-requests"] == "banto-example-dead-letters-requests"
    error_message = "docs/OPERATIONS.md has other names"
  }
}

run "a_schedule_that_is_gone_is_missed_and_one_that_is_to_come_for_the_first_time_is_not" {
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["schedule-idle"].treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.this["schedule-idle"].evaluation_periods * aws_cloudwatch_metric_alarm.this["schedule-idle"].period == 26 * 3600
    error_message = "a schedule that is gone has no data, and would not be missed"
  }
  assert {
    # A new function's alarm turns before there is any data. The first run comes within a day and the quarter of an hour that it may be late.
    condition = (
      length(coalesce(aws_cloudwatch_metric_alarm.this["schedule-idle"].alarm_actions, [])) == 0 &&
      one(aws_cloudwatch_composite_alarm.missed["schedule-missed"].actions_suppressor).wait_period == 26 * 3600
    )
    error_message = "the alarm tells of a schedule whose first time is to come"
  }
  assert {
    condition = (
      aws_cloudwatch_composite_alarm.missed["schedule-missed"].alarm_name == "banto-example-schedule-missed" &&
      aws_cloudwatch_composite_alarm.missed["schedule-missed"].alarm_rule == "ALARM(\"banto-example-schedule-idle\")" &&
      one(aws_cloudwatch_composite_alarm.missed["schedule-missed"].actions_suppressor).alarm == "banto-example-schedule-dropped"
    )
    error_message = "the alarm that tells does not follow the one that looks"
  }
}

run "hours_that_are_odd_are_all_waited_for" {
  variables {
    schedules = { weekly = { expression = "cron(0 3 ? * MON *)", missed_after = 335 } }
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["schedule-idle"].evaluation_periods == 168 && one(aws_cloudwatch_composite_alarm.missed["schedule-missed"].actions_suppressor).wait_period == 167 * 3600
    error_message = "an hour is lost, or looked back further than CloudWatch does"
  }
}

run "a_caller_may_miss_schedules_in_another_way" {
  variables {
    alarms = { schedule-missed = { description = "No run came to an end.", metric = "Runs", comparison = "LessThanThreshold", threshold = 1, period = 86400, treat_missing_data = "breaching" } }
  }
  assert {
    condition     = length(aws_cloudwatch_composite_alarm.missed) == 0 && !contains(keys(aws_cloudwatch_metric_alarm.this), "schedule-idle") && aws_cloudwatch_metric_alarm.this["schedule-missed"].metric_name == "Runs"
    error_message = "two alarms have one name"
  }
}

run "the_log_outlives_the_function_unless_the_caller_says_otherwise" {
  assert {
    condition     = aws_cloudwatch_log_group.this.skip_destroy
    error_message = "another name of the function would end the log of a year"
  }
}

run "a_log_that_nobody_needs_goes_with_the_function" {
  variables {
    keep_log = false
  }
  assert {
    condition     = !aws_cloudwatch_log_group.this.skip_destroy
    error_message = "the log can't be got rid of"
  }
}

run "an_alarm_of_the_callers_takes_the_place_of_the_common_one" {
  variables {
    alarms = {
      errors   = { description = "Runs come to no end.", metric = "Errors", namespace = "AWS/Lambda", dimensions = { FunctionName = "banto-example" }, period = 3600, evaluation_periods = 12 }
      failures = { description = "Something was not done.", metric = "Failures" }
    }
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["errors"].evaluation_periods == 12 && aws_cloudwatch_metric_alarm.this["errors"].datapoints_to_alarm == 12
    error_message = "the common alarm stayed"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["failures"].dimensions == tomap({ Function = "banto-example" }) && aws_cloudwatch_metric_alarm.this["failures"].namespace == "Banto"
    error_message = "the function's metrics have another dimension"
  }
}

run "a_schedule_that_is_monthly_is_not_missed" {
  variables {
    schedules = { monthly = { expression = "cron(0 * 2-5 * ? *)", flexible_minutes = 0, missed_after = 0 } }
  }
  assert {
    condition     = length(aws_cloudwatch_composite_alarm.missed) == 0 && !contains(keys(aws_cloudwatch_metric_alarm.this), "schedule-idle") && contains(keys(aws_cloudwatch_metric_alarm.this), "schedule-dropped")
    error_message = "an alarm that looks back a week would go off each month"
  }
  assert {
    condition     = aws_scheduler_schedule.this["monthly"].flexible_time_window[0].mode == "OFF"
    error_message = "Scheduler refuses a flexible window of no minutes"
  }
}

run "a_role_may_invoke_the_function_where_the_caller_says_so" {
  variables {
    invokers = { operators = "arn:aws:iam::123456789012:role/operators" }
  }
  assert {
    condition     = aws_lambda_permission.this["operators"].principal == "arn:aws:iam::123456789012:role/operators"
    error_message = "somebody else may invoke the function"
  }
}

run "a_function_without_queues_and_schedules_has_neither" {
  variables {
    sources    = {}
    schedules  = {}
    on_failure = false
  }
  assert {
    condition     = length(aws_sqs_queue_policy.this) + length(aws_iam_role.schedule) + length(aws_scheduler_schedule_group.this) + length(aws_sqs_queue.failed) == 0
    error_message = "something of a queue or a schedule is left"
  }
  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.this)) == toset(["errors", "throttles"])
    error_message = "the alarms are ${join(", ", keys(aws_cloudwatch_metric_alarm.this))}"
  }
}
