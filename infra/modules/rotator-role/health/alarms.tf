# EventBridge drops an event that it may not hand on, and after a day one whose target is away (EventBridge user guide, "How EventBridge
# retries delivering events"). No daily run finds an exposed key whose event was lost. Failures are counted in the rule's region, and an alarm
# reads and tells in its own region (CloudWatch user guide, "Using Amazon CloudWatch alarms"). So each region has its alarm and its topic.

locals {
  # Where the queue is of this account, the function's own alarms watch this region's rule.
  watched = setunion(local.elsewhere, var.by_role ? [local.region] : [])
}

module "topic" {
  source   = "../../alarm-topic"
  for_each = local.watched

  region = each.key
  # A name of its own: the account may have a topic for other alarms here.
  name  = "banto-health-alarms"
  mails = var.alarm_mails
}

resource "aws_cloudwatch_metric_alarm" "events_lost" {
  for_each = local.watched

  region            = each.key
  alarm_name        = "banto-health-events-lost"
  alarm_description = "EventBridge could not hand on AWS Health's event of an exposed key."
  namespace         = "AWS/Events"
  metric_name       = "FailedInvocations"
  dimensions        = { RuleName = "banto-health" }
  statistic         = "Sum"

  # One is one key. EventBridge counts by the minute, and five of them lose no time that matters beside AWS Health's own.
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 300
  evaluation_periods  = 1

  # Nothing is counted where nothing fails. The next period says nothing about the event that was lost: so no mail says that it is over.
  treat_missing_data = "notBreaching"
  alarm_actions      = [module.topic[each.key].arn]
}
