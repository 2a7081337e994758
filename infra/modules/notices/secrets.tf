locals {
  secrets = { for secret in var.banto.secrets : secret.name => secret... }
  # Without secrets there is no key to pay for.
  key = toset(length(local.secrets) > 0 ? ["secrets"] : [])
}

# A container without a value: people put it in, so that it is never in a plan or a state.
resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:What Slack or a receiver gives out can't be rotated by Secrets Manager; people exchange it
  for_each = local.secrets

  name                    = each.key
  description             = startswith(each.key, "banto/endpoints/") ? "A receiver of Banto's messages: JSON with url and key" : "Slack, for Banto: a webhook's address or a bot token"
  kms_key_id              = aws_kms_key.this["secrets"].arn
  recovery_window_in_days = var.recovery_days
}

locals {
  foreign_secrets = {
    for name in keys(local.secrets) :
    name => local.access[startswith(name, "banto/endpoints/") ? "endpoints" : "all"]
    if contains(keys(local.access), startswith(name, "banto/endpoints/") ? "endpoints" : "all")
  }
}

data "aws_iam_policy_document" "secret" {
  for_each = local.foreign_secrets

  statement {
    sid       = "FunctionsOfOtherAccountsRead"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [aws_secretsmanager_secret.this[each.key].arn]

    principals {
      type        = "AWS"
      identifiers = each.value.accounts
    }

    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalOrgID"
      values   = [var.organization_id]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:PrincipalArn"
      values   = each.value.roles
    }
  }
}

resource "aws_secretsmanager_secret_policy" "this" {
  for_each = local.foreign_secrets

  secret_arn          = aws_secretsmanager_secret.this[each.key].arn
  policy              = data.aws_iam_policy_document.secret[each.key].json
  block_public_policy = true
}
