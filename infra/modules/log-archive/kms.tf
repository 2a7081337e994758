locals {
  with_kms = var.make_kms_key || var.banto.log_archive.kms_key != null
}

# What a key that encrypts the archive must let. Of a key that this module does not make the output key_policy says it.
data "aws_iam_policy_document" "key" {
  #checkov:skip=CKV_AWS_109:A key's policy gives the account its key, as KMS asks for, and has no other resource than the key
  #checkov:skip=CKV_AWS_111:A key's policy gives the account its key, as KMS asks for, and has no other resource than the key
  #checkov:skip=CKV_AWS_356:In a key's policy the resource * is the key itself

  # Without it nobody could ever change the key. (AWS KMS developer guide, "Default key policy".)
  statement {
    sid       = "TheAccountsPoliciesDecide"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${local.account}:root"]
    }
  }

  # AWS Config developer guide, "Permissions for the KMS Key for the AWS Config Delivery Channel", with the Organization
  # for the guide's account.
  statement {
    sid       = "ConfigEncryptsWhatItDelivers"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["config.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceOrgID"
      values   = [var.organization_id]
    }
  }

  dynamic "statement" {
    for_each = length(var.readers) > 0 ? ["readers"] : []

    content {
      sid       = "ReadersDecryptWhatTheyReadInS3"
      actions   = ["kms:Decrypt"]
      resources = ["*"]

      principals {
        type        = "AWS"
        identifiers = local.reader_accounts
      }

      condition {
        test     = "ArnLike"
        variable = "aws:PrincipalArn"
        values   = local.readers
      }

      condition {
        test     = "StringEquals"
        variable = "aws:PrincipalOrgID"
        values   = [var.organization_id]
      }

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["s3.${local.region}.amazonaws.com"]
      }
    }
  }
}

resource "aws_kms_key" "this" {
  for_each = local.with_key

  description             = "Encrypts the log archive"
  enable_key_rotation     = true
  deletion_window_in_days = 30 # The most that KMS allows. Without the key nothing in the archive is ever read again.
  policy                  = data.aws_iam_policy_document.key.json
}

resource "aws_kms_alias" "this" {
  for_each = local.with_key

  name          = "alias/banto-log-archive"
  target_key_id = aws_kms_key.this[each.key].key_id
}
