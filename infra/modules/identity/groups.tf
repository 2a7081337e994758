locals {
  people          = "banto-users"
  machines        = "banto-machines"
  in_an_emergency = "banto-break-glass"

  groups_of = {
    for name, user in var.users : name => setunion(
      user.groups,
      [user.machine ? local.machines : local.people],
      user.access_key ? [var.access_key_group] : [],
      contains(try(var.break_glass.users, []), name) ? [local.in_an_emergency] : [],
    )
  }

  group_names = concat(
    keys(var.groups),
    [local.people, local.machines, var.access_key_group],
    var.break_glass == null ? [] : [local.in_an_emergency],
  )

  members = {
    for group in local.group_names : group => [for name in keys(var.users) : name if contains(local.groups_of[name], group)]
  }
}

resource "aws_iam_group" "this" {
  for_each = toset(local.group_names)

  name = each.key
}

# The members are these and no others: whoever was added by hand is taken out again. Leavers are in no group.
resource "aws_iam_group_membership" "this" {
  for_each = local.members

  name  = each.key
  group = aws_iam_group.this[each.key].name
  users = [for name in each.value : aws_iam_user.this[name].name]
}

# Which roles a group's members may assume. They bear their own names in the sessions, so that a session's end and its traces
# find them.
locals {
  role_policies = {
    for name, group in var.groups : name => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid      = "AssumeByTheOwnName"
        Effect   = "Allow"
        Action   = "sts:AssumeRole"
        Resource = flatten([for account in sort(group.accounts) : [for role in sort(group.roles) : "arn:aws:iam::${account}:role/${role}"]])
        Condition = {
          StringEquals = {
            "aws:ResourceOrgID"   = var.organization_id
            "sts:RoleSessionName" = "$${aws:username}"
          }
        }
      }]
    }) if length(group.roles) > 0
  }
}

resource "aws_iam_group_policy" "roles" {
  for_each = local.role_policies

  name   = "roles"
  group  = aws_iam_group.this[each.key].name
  policy = each.value

  lifecycle {
    # IAM takes 5,120 characters of a group's inline policies (IAM user guide, "IAM and AWS STS quotas").
    precondition {
      condition     = length(each.value) <= 5120
      error_message = "The roles of the group ${each.key} in its accounts make a policy of ${length(each.value)} characters. IAM takes 5,120: say \"*\" for the accounts, or make several groups."
    }
  }
}
