locals {
  management_account = var.banto.organization.management_account
  home_region        = var.banto.organization.home_region

  # Organizations tells its events in us-east-1 only, and in the management account only (Organizations user
  # guide, "Monitor your organization with Amazon EventBridge").
  organizations_region = "us-east-1"

  buses = {
    for region in toset(compact([local.home_region, local.meeting_region])) : region => "arn:aws:events:${region}:${local.management_account}:event-bus/default"
  }

  # Each forwards the events of one pattern in one region.
  forwards = merge(
    # onboard-accounts has its rule on the home region's bus. Where home is us-east-1, that one sees these
    # events at once.
    local.home_region == local.organizations_region ? {} : {
      organizations = {
        description = "Organizations' events, to the bus of ${local.home_region}"
        region      = local.organizations_region
        rule        = "banto-organizations"
        # What concerns no account the function passes over, so that the pattern need name no events.
        pattern = { source = ["aws.organizations"] }
        target  = local.buses[local.home_region]
        role    = "banto-forward-organizations"
      }
    },
    # StackSets never reach the management account. So it gets here what infra/stacksets/event-forwarding.json
    # makes elsewhere: in the queue's region a rule to the queue, in all others one to that region's bus.
    { for region in local.has_forwarding ? toset(var.banto.organization.regions) : [] : "compliance/${region}" => {
      description = "AWS Config's compliance changes of ${region}, to notify-compliance"
      region      = region
      rule        = "banto-compliance"
      pattern     = { source = ["aws.config"], detail-type = ["Config Rules Compliance Change"] }
      target      = region == local.meeting_region ? var.banto.compliance.queue.arn : local.buses[local.meeting_region]
      # As the stacks of other accounts name theirs: the queue's policy knows them by it.
      role = "banto-forward-${region}"
    } },
  )
}

resource "aws_cloudwatch_event_rule" "forward" {
  for_each = local.forwards

  region        = each.value.region
  name          = each.value.rule
  description   = each.value.description
  event_pattern = jsonencode(each.value.pattern)
}

resource "aws_cloudwatch_event_target" "forward" {
  for_each = local.forwards

  region    = each.value.region
  rule      = aws_cloudwatch_event_rule.forward[each.key].name
  target_id = "banto"
  arn       = each.value.target
  # A role is needed for another region's bus and for another account's queue (EventBridge user guide,
  # "Sending and receiving events between AWS Regions" and "Sending events to an AWS service in another
  # account").
  role_arn = aws_iam_role.forward[each.key].arn

  # One account's many events do not delay the others' (SQS developer guide, "Amazon SQS fair queues").
  dynamic "sqs_target" {
    for_each = startswith(each.value.target, "arn:aws:sqs:") ? [local.management_account] : []

    content {
      message_group_id = sqs_target.value
    }
  }

  # EventBridge's own defaults, and the most that it takes (EventBridge API reference, RetryPolicy). After a
  # day the daily runs have found what the event would have told.
  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }
}

resource "aws_iam_role" "forward" {
  for_each = local.forwards

  name        = each.value.role
  path        = "/banto/"
  description = each.value.description

  # EventBridge user guide, "Cross-service confused deputy prevention": aws:SourceArn is the rule's.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OneRuleOfEventBridge"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "events.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.management_account }
        ArnEquals    = { "aws:SourceArn" = "arn:aws:events:${each.value.region}:${local.management_account}:rule/${each.value.rule}" }
      }
    }]
  })
}

resource "aws_iam_role_policy" "forward" {
  for_each = local.forwards

  name = "forward"
  role = aws_iam_role.forward[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "ForwardEvents"
      Effect   = "Allow"
      Action   = startswith(each.value.target, "arn:aws:sqs:") ? "sqs:SendMessage" : "events:PutEvents"
      Resource = each.value.target
    }]
  })
}
