locals {
  # rotate-access-keys asks for revocations with its own role, which is the one that it does not assume.
  rotators = try(var.banto.rotation.revocations.arn, null) == local.queue.arn ? {
    for account in var.banto.rotation.accounts : "rotator-${account.id}" => account.role.arn if !account.assume
  } : {}

  roles = merge(
    local.rotators,
    { for word, arn in var.operators : "operator-${word}" => arn },
    { for word, arn in var.senders : "sender-${word}" => arn },
  )

  # SQS refuses a policy that names a role which is not there yet, and the rotator's is made after this queue. So the principal is the role's
  # account, and the condition has the role.
  role_statements = [
    for key, arn in local.roles : {
      Sid       = join("", [for part in split("-", key) : title(replace(part, "/[^a-zA-Z0-9]/", ""))])
      Principal = { AWS = "arn:aws:iam::${split(":", arn)[4]}:root" }
      Condition = { ArnEquals = { "aws:PrincipalArn" = arn } }
    }
  ]

  rule_statements = [
    for rule in aws_cloudwatch_event_rule.this : {
      Sid       = "EventsOfTheOrganization"
      Principal = { Service = "events.amazonaws.com" }
      Condition = { ArnEquals = { "aws:SourceArn" = rule.arn } }
    }
  ]
}
