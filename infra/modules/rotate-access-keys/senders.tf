locals {
  # Operators' roles are there, and are principals by themselves. So a role of this account may send without a policy of its own, as it may
  # invoke the function; a role of another account needs one for either (IAM user guide, "Cross-account policy evaluation logic").
  # The module rotator-role makes the others in their accounts, and SQS refuses a policy that names a role which is not there yet. So the
  # principal is the role's account, and the condition has the role. The role has a policy of its own.
  senders = merge(
    { for word, arn in var.operators : "operator-${word}" => { role = arn, principal = arn } },
    {
      for id in keys(local.others) : "health-${id}" => {
        role      = "arn:aws:iam::${id}:role/banto/banto-health-requests"
        principal = "arn:aws:iam::${id}:root"
      }
    },
  )

  role_statements = [
    for key, sender in local.senders : {
      Sid       = join("", [for part in split("-", key) : title(replace(part, "/[^a-zA-Z0-9]/", ""))])
      Principal = { AWS = sender.principal }
      Condition = { ArnEquals = { "aws:PrincipalArn" = sender.role } }
    }
  ]

  rule_statements = [{
    Sid       = "ExposedKeys"
    Principal = { Service = "events.amazonaws.com" }
    Condition = { ArnEquals = { "aws:SourceArn" = module.health.rule_arn } }
  }]
}

module "health" {
  source = "../rotator-role/health"

  queue_arn   = module.function.queue_arns["requests"]
  alarm_mails = var.alarm_mails
}
