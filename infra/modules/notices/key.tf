# A key of our own, since no other account can read a secret that Secrets Manager's own key encrypts. (Secrets Manager user guide,
# "Access AWS Secrets Manager secrets from a different account".)
resource "aws_kms_key" "this" {
  for_each = local.key

  description         = "Banto's secrets in Secrets Manager"
  enable_key_rotation = true
  # The most that KMS takes: without the key every secret is lost.
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.key[each.key].json
}

# The functions' IAM policies name the key by this alias, since nobody knows its id before it is there.
resource "aws_kms_alias" "this" {
  for_each = local.key

  name          = "alias/banto-secrets"
  target_key_id = aws_kms_key.this[each.key].key_id
}

data "aws_iam_policy_document" "key" {
  #checkov:skip=CKV_AWS_109:A key's own policy speaks of this key alone, and the account must keep the right to change it
  #checkov:skip=CKV_AWS_111:A key's own policy speaks of this key alone
  #checkov:skip=CKV_AWS_356:In a key's own policy "*" is this key (KMS developer guide, "Key policies in AWS KMS")
  for_each = local.key

  # Without this statement the policies of this account's roles would mean nothing for the key, and nobody could mend it.
  # (KMS developer guide, "Default key policy".)
  statement {
    sid       = "ThisAccountsPoliciesCount"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${local.account}:root"]
    }
  }

  dynamic "statement" {
    for_each = [for kind, access in local.access : access if kind == "all"]
    content {
      sid       = "FunctionsOfOtherAccountsDecryptSecrets"
      actions   = ["kms:Decrypt"]
      resources = ["*"]

      principals {
        type        = "AWS"
        identifiers = statement.value.accounts
      }

      condition {
        test     = "StringEquals"
        variable = "aws:PrincipalOrgID"
        values   = [var.organization_id]
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:PrincipalArn"
        values   = statement.value.roles
      }

      # Never directly, and never anything but a secret's value.
      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["secretsmanager.${local.region}.amazonaws.com"]
      }
    }
  }
}
