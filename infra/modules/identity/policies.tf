# What all users may do, and what nobody may do without a second factor. Groups carry it: IAM allows ten managed policies on a
# user (IAM user guide, "IAM and AWS STS quotas"), and a user's own are for the denials.

resource "aws_iam_policy" "users" {
  name        = "users"
  path        = "/banto/"
  description = "The own password, devices, certificate, acknowledgement, record and Banto's tags"
  policy      = jsonencode(jsondecode(templatefile("${path.module}/policies/users.json", local.names)))
}

resource "aws_iam_policy" "mfa" {
  name        = "mfa"
  path        = "/banto/"
  description = "Without a second factor nothing but signing in and the own credentials"
  policy      = jsonencode(jsondecode(templatefile("${path.module}/policies/mfa.json", local.names)))
}

locals {
  attachments = merge(
    {
      "${local.people}/users" = { group = local.people, policy = aws_iam_policy.users.arn }
      "${local.people}/mfa"   = { group = local.people, policy = aws_iam_policy.mfa.arn }
      # `aws login` (AWS managed policy reference, SignInLocalDevelopmentAccess).
      "${local.people}/sign-in" = { group = local.people, policy = "arn:aws:iam::aws:policy/SignInLocalDevelopmentAccess" }
      # A program can't give a second factor.
      "${local.machines}/users" = { group = local.machines, policy = aws_iam_policy.users.arn }
    },
  )
}

resource "aws_iam_group_policy_attachment" "this" {
  for_each = local.attachments

  group      = aws_iam_group.this[each.value.group].name
  policy_arn = each.value.policy
}

# rotate-access-keys attaches it to a user whose key was exposed, by this name, and takes it off after 36 hours: sessions that
# were begun with a key outlive it by that (STS API reference, GetSessionToken).
resource "aws_iam_policy" "deny_temporary_credentials" {
  #checkov:skip=CKV_AWS_290:It denies everything and allows nothing.
  #checkov:skip=CKV_AWS_355:It denies everything and allows nothing.
  name        = "deny-temporary-credentials"
  path        = "/banto/"
  description = "Ends the sessions of a user whose key was exposed"
  policy      = jsonencode(jsondecode(file("${path.module}/policies/deny-temporary-credentials.json")))
}
