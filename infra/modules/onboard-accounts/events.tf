locals {
  # Events of the Organization are in the management account only. Where the function runs in another one, a rule there sends them, and `senders` names its role.
  is_in_management_account = local.queue.account == var.banto.organization.management_account
}

# The module organization forwards Organizations' events from us-east-1, where they come up, to this region's default bus.
# No name of an event is asked for: the function passes over what concerns no account.
resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.is_in_management_account ? toset(["organization"]) : toset([])

  name          = "banto-onboarding"
  description   = "What happens to accounts, for banto-onboard-accounts"
  event_pattern = jsonencode({ source = concat(["aws.organizations"], var.banto.organization.control_tower ? ["aws.controltower"] : []) })
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = aws_cloudwatch_event_rule.this

  rule      = each.value.name
  target_id = "accounts"
  arn       = module.function.queue_arns["accounts"]
}
