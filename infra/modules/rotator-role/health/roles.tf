locals {
  bus_arn = "arn:aws:events:${local.region}:${data.aws_caller_identity.this.account_id}:event-bus/default"
}

# Who may assume each role: EventBridge, for just these rules (EventBridge user guide, "Cross-service confused deputy prevention").
data "aws_iam_policy_document" "trust" {
  for_each = {
    forward  = values(aws_cloudwatch_event_rule.elsewhere)[*].arn
    requests = [aws_cloudwatch_event_rule.this.arn]
  }

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = each.value
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

data "aws_iam_policy_document" "forward" {
  statement {
    sid       = "ForwardToTheBus"
    actions   = ["events:PutEvents"]
    resources = [local.bus_arn]
  }
}

resource "aws_iam_role" "forward" {
  name               = "banto-health-forward"
  path               = "/banto/"
  description        = "Forwards AWS Health's events to ${local.region}"
  assume_role_policy = data.aws_iam_policy_document.trust["forward"].json
}

resource "aws_iam_role_policy" "forward" {
  name   = "forward"
  role   = aws_iam_role.forward.name
  policy = data.aws_iam_policy_document.forward.json
}

data "aws_iam_policy_document" "requests" {
  statement {
    sid       = "SendToTheQueue"
    actions   = ["sqs:SendMessage"]
    resources = [var.queue_arn]
  }
}

# The queue's policy names this role: rotate-access-keys, senders.tf.
resource "aws_iam_role" "requests" {
  for_each = var.by_role ? toset(["requests"]) : toset([])

  name               = "banto-health-requests"
  path               = "/banto/"
  description        = "Sends AWS Health's events to another account's queue"
  assume_role_policy = data.aws_iam_policy_document.trust["requests"].json
}

resource "aws_iam_role_policy" "requests" {
  for_each = aws_iam_role.requests

  name   = "requests"
  role   = each.value.name
  policy = data.aws_iam_policy_document.requests.json
}
