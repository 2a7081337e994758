locals {
  # What the functions know as the schedule's event. EventBridge Scheduler sends one of its own where none is given, whose shape its user guide does not have.
  scheduled_event = jsonencode({ source = "aws.scheduler", "detail-type" = "Scheduled Event", detail = {} })
}

# A group of the function's own: CloudWatch has the metrics of schedules by group.
resource "aws_scheduler_schedule_group" "this" {
  for_each = local.scheduled

  name = var.name
}

resource "aws_scheduler_schedule" "this" {
  #checkov:skip=CKV_AWS_297:A schedule holds no more than the event above, and Scheduler encrypts by its own key
  for_each = var.schedules

  name                         = each.key
  group_name                   = aws_scheduler_schedule_group.this["schedule"].name
  schedule_expression          = each.value.expression
  schedule_expression_timezone = each.value.time_zone

  flexible_time_window {
    mode                      = each.value.flexible_minutes > 0 ? "FLEXIBLE" : "OFF"
    maximum_window_in_minutes = each.value.flexible_minutes > 0 ? each.value.flexible_minutes : null
  }

  target {
    arn      = aws_lambda_function.this.arn
    role_arn = aws_iam_role.schedule["schedule"].arn
    input    = coalesce(each.value.input, local.scheduled_event)

    # An hour: what comes later belongs to the next time, and may be outside the hours in which changes are allowed.
    retry_policy {
      maximum_event_age_in_seconds = 3600
    }

    dynamic "dead_letter_config" {
      for_each = aws_sqs_queue.failed
      content {
        arn = dead_letter_config.value.arn
      }
    }
  }

  # Scheduler refuses a role that it can't assume yet.
  depends_on = [aws_iam_role_policy.schedule]
}

data "aws_iam_policy_document" "schedule_trust" {
  for_each = local.scheduled

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }

    # The source is the group, never a single schedule (EventBridge Scheduler user guide, "Confused deputy prevention in EventBridge Scheduler").
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_scheduler_schedule_group.this[each.key].arn]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

resource "aws_iam_role" "schedule" {
  for_each = local.scheduled

  name               = "${local.role_name}-schedule"
  path               = var.role_path
  description        = "The schedules of ${var.name}"
  assume_role_policy = data.aws_iam_policy_document.schedule_trust[each.key].json
}

data "aws_iam_policy_document" "schedule" {
  for_each = local.scheduled

  statement {
    sid       = "InvokeTheFunction"
    actions   = ["lambda:InvokeFunction"]
    resources = [aws_lambda_function.this.arn]
  }

  dynamic "statement" {
    for_each = aws_sqs_queue.failed
    content {
      sid       = "KeepWhatFailed"
      actions   = ["sqs:SendMessage"]
      resources = [statement.value.arn]
    }
  }
}

resource "aws_iam_role_policy" "schedule" {
  for_each = local.scheduled

  name   = "schedule"
  role   = aws_iam_role.schedule[each.key].name
  policy = data.aws_iam_policy_document.schedule[each.key].json
}
