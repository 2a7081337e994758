# The role for days on which Banto can't: it reads and mends records, ends keys and sessions. The service control policies know it by name.

locals {
  break_glass = var.break_glass == null ? {} : {
    for arn in [local.here.break_glass] : element(split("/", arn), length(split("/", arn)) - 1) => {
      arn  = arn
      path = try(regex("^arn:aws:iam::[0-9]{12}:role(/.*/)[^/]+$", arn)[0], "/")
    }
  }

  break_glass_users = [for name in sort(try(var.break_glass.users, [])) : "arn:aws:iam::${var.account_id}:user${local.users[name].path}${name}"]
}

resource "aws_iam_role" "break_glass" {
  for_each = local.break_glass

  name                 = each.key
  path                 = each.value.path
  description          = "For days on which Banto can't rotate, mend or end keys"
  max_session_duration = 3600 # An hour is enough to mend a record, and short enough to notice who goes on.

  # The users are in a condition and not the principals: a principal that is gone makes IAM refuse the policy.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = local.root_user }
      Action    = "sts:AssumeRole"
      Condition = {
        ArnEquals       = { "aws:PrincipalArn" = local.break_glass_users }
        Bool            = { "aws:MultiFactorAuthPresent" = "true" }
        NumericLessThan = { "aws:MultiFactorAuthAge" = "3600" }
        StringEquals    = { "sts:RoleSessionName" = "$${aws:username}" }
      }
    }]
  })
}

resource "aws_iam_role_policy" "break_glass" {
  for_each = local.break_glass

  name   = "break-glass"
  role   = aws_iam_role.break_glass[each.key].name
  policy = jsonencode(jsondecode(templatefile("${path.module}/policies/break-glass.json", local.names)))
}

resource "aws_iam_group_policy" "break_glass" {
  for_each = local.break_glass

  name  = "break-glass"
  group = aws_iam_group.this[local.in_an_emergency].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "BreakTheGlass"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Resource  = each.value.arn
      Condition = { StringEquals = { "sts:RoleSessionName" = "$${aws:username}" } }
    }]
  })
}
