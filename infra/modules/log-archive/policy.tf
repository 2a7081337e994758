locals {
  # What AWS Config writes below, with a slash at the end. (AWS Config developer guide, "Permissions for the Amazon
  # S3 Bucket for the AWS Config Delivery Channel".)
  delivered = var.banto.log_archive.prefix == "" ? "AWSLogs/" : "${var.banto.log_archive.prefix}/AWSLogs/"

  bucket_arn = "arn:aws:s3:::${local.bucket}"
}

# AWS Config delivers as its own service: the service-linked role that onboard-accounts gives each recorder may not write to
# S3. (AWS Config developer guide, "Permissions for the Amazon S3 Bucket for the AWS Config Delivery Channel".) The guide binds
# these statements to aws:SourceAccount, an account after the other. aws:SourceOrgID is in the context of the same requests
# and means all accounts of the Organization (IAM user guide, "AWS global condition context keys"); Control Tower's bucket is
# bound to it (AWS Control Tower user guide, "Amazon S3 bucket policy in the audit account"). aws:PrincipalOrgID would not do:
# a service belongs to no Organization.
data "aws_iam_policy_document" "bucket" {
  statement {
    sid       = "NothingWithoutTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [local.bucket_arn, "${local.bucket_arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  statement {
    sid       = "ConfigChecksTheBucketsPermissions"
    actions   = ["s3:GetBucketAcl"]
    resources = [local.bucket_arn]

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

  statement {
    sid       = "ConfigChecksThatTheBucketIsThere"
    actions   = ["s3:ListBucket"]
    resources = [local.bucket_arn]

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

  statement {
    sid       = "ConfigDelivers"
    actions   = ["s3:PutObject"]
    resources = ["${local.bucket_arn}/${local.delivered}*/Config/*"]

    principals {
      type        = "Service"
      identifiers = ["config.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "s3:x-amz-acl"
      values   = ["bucket-owner-full-control"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceOrgID"
      values   = [var.organization_id]
    }
  }

  # The account is the principal and the role a condition. S3 refuses a policy with a role that is not there yet, and forgets
  # one that is deleted and made anew (IAM user guide, "AWS JSON policy elements: Principal"). So the accounts' roots can
  # be applied in any order.
  dynamic "statement" {
    for_each = length(var.readers) > 0 ? ["readers"] : []

    content {
      sid       = "ReadersList"
      actions   = ["s3:ListBucket"]
      resources = [local.bucket_arn]

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
    }
  }

  dynamic "statement" {
    for_each = length(var.readers) > 0 ? ["readers"] : []

    content {
      sid       = "ReadersRead"
      actions   = ["s3:GetObject"]
      resources = ["${local.bucket_arn}/${local.delivered}*"]

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
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = local.own_bucket

  bucket = aws_s3_bucket.this[each.key].bucket
  policy = data.aws_iam_policy_document.bucket.json

  # S3 takes one change of a bucket's access at a time.
  depends_on = [aws_s3_bucket_public_access_block.this, aws_s3_bucket_ownership_controls.this]
}
