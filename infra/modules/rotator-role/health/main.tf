data "aws_caller_identity" "this" {}

data "aws_region" "this" {}

locals {
  region = data.aws_region.this.region

  pattern = jsonencode({
    source = ["aws.health"]
    detail = { eventTypeCode = [{ prefix = "AWS_RISK_CREDENTIALS_" }, "AWS_RISK_IAM_QUARANTINE"] }
  })

  # Events that are about no region, IAM's among them, come in us-east-1, and in us-west-2 as its backup (AWS Health user guide, "Creating EventBridge rules for AWS
  # Region coverage"). A rule's queue must be in the rule's region, so that they are forwarded to this region's bus.
  elsewhere = setsubtract(["us-east-1", "us-west-2"], [local.region])
}

resource "aws_cloudwatch_event_rule" "this" {
  name          = "banto-health"
  description   = "Keys that AWS has found in public, for banto-rotate-access-keys"
  event_pattern = local.pattern
}

# Where the queue is of this account its own policy lets the rule in; for another account's EventBridge wants a role besides
# (EventBridge user guide, "Using resource-based policies" and "Sending events to an AWS service in another account").
resource "aws_cloudwatch_event_target" "this" {
  rule      = aws_cloudwatch_event_rule.this.name
  target_id = "requests"
  arn       = var.queue_arn
  role_arn  = one(values(aws_iam_role.requests)[*].arn)

  depends_on = [aws_iam_role_policy.requests]
}

resource "aws_cloudwatch_event_rule" "elsewhere" {
  for_each = local.elsewhere

  region        = each.key
  name          = "banto-health"
  description   = "Keys that AWS has found in public, for ${local.region}"
  event_pattern = local.pattern
}

resource "aws_cloudwatch_event_target" "elsewhere" {
  for_each = local.elsewhere

  region    = each.key
  rule      = aws_cloudwatch_event_rule.elsewhere[each.key].name
  target_id = "bus"
  arn       = local.bus_arn
  role_arn  = aws_iam_role.forward.arn

  depends_on = [aws_iam_role_policy.forward]
}
