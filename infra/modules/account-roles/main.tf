resource "aws_iam_role" "this" {
  for_each = local.roles

  name                 = each.key
  description          = each.value.description == "" ? null : each.value.description
  assume_role_policy   = local.trust[each.key]
  max_session_duration = each.value.max_session_hours * 3600
  permissions_boundary = each.value.boundary
  tags                 = merge(each.value.tags, { "banto:managed" = "true" })

  # A revocation may have written a denial into the role, which Terraform does not know. It must not keep the role from
  # being deleted: without the role no session of it may do anything.
  force_detach_policies = true
}

locals {
  attachments = merge([for name, role in local.roles : { for policy in role.managed_policies : "${name}/${policy}" => { role = name, policy = policy } }]...)
  inline      = merge([for name, role in local.roles : { for id, policy in role.inline_policies : "${name}/${id}" => { role = name, name = id, policy = policy } }]...)
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = local.attachments

  role       = aws_iam_role.this[each.value.role].name
  policy_arn = each.value.policy
}

resource "aws_iam_role_policy" "this" {
  for_each = local.inline

  role   = aws_iam_role.this[each.value.role].name
  name   = each.value.name
  policy = jsonencode(jsondecode(each.value.policy))
}

# Policies that somebody else attached go.
resource "aws_iam_role_policy_attachments_exclusive" "this" {
  for_each = local.roles

  role_name   = aws_iam_role.this[each.key].name
  policy_arns = each.value.managed_policies

  depends_on = [aws_iam_role_policy_attachment.this]
}

# The inline policies that a role has. The id is not known before the role is made, so that the first plan does not ask for a
# role that is not there.
data "aws_iam_role_policies" "this" {
  for_each = local.roles

  role_name = aws_iam_role.this[each.key].id
}

# Inline policies of others go, too, but for the denials of sessions: onboard-accounts writes them when a key was exposed, and an
# apply in those hours must not let the thief's sessions in again. The daily run deletes them.
resource "aws_iam_role_policies_exclusive" "this" {
  for_each = local.roles

  role_name = aws_iam_role.this[each.key].name
  policy_names = setunion(
    keys(each.value.inline_policies),
    [for name in data.aws_iam_role_policies.this[each.key].policy_names : name if startswith(name, "banto-revoked")],
  )

  depends_on = [aws_iam_role_policy.this]
}
