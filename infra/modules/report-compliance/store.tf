# The months, the dashboard and the claims of mails. Nothing in it expires: the next month is compared with what it has of
# the last one, and trends read years of it.
resource "aws_s3_bucket" "store" {
  #checkov:skip=CKV_AWS_144:The archive has all that a month is made of, so that the store needs no copy elsewhere
  #checkov:skip=CKV_AWS_145:S3's own key does, and a key in KMS would be one more right for each reader of the dashboard
  #checkov:skip=CKV2_AWS_61:Nothing in it may expire, earlier versions among it: they lead back after a month was made anew
  #checkov:skip=CKV2_AWS_62:Nobody waits for an event of the store
  #checkov:skip=CKV_AWS_18:access_logs writes one where the caller has a bucket for it
  bucket = local.report.store.bucket
}

resource "aws_s3_bucket_versioning" "store" {
  bucket = aws_s3_bucket.store.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "store" {
  bucket = aws_s3_bucket.store.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "store" {
  bucket = aws_s3_bucket.store.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# onboard-accounts writes from another account. Without ACLs what it writes belongs to the bucket's owner.
resource "aws_s3_bucket_ownership_controls" "store" {
  bucket = aws_s3_bucket.store.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_logging" "store" {
  for_each = toset(var.access_logs == null ? [] : ["access_logs"])

  bucket        = aws_s3_bucket.store.id
  target_bucket = var.access_logs.bucket
  target_prefix = var.access_logs.prefix
}

locals {
  # onboard-accounts publishes the dashboard's data in the bucket that the policy names, if it is this one.
  dashboard_data = try(var.banto.onboarding.dashboard.bucket, null) == local.report.store.bucket ? {
    key       = var.banto.onboarding.dashboard.key
    publisher = coalesce(var.publisher, "arn:aws:iam::${var.banto.organization.management_account}:role/banto/onboard-accounts")
  } : null

  # Sorted, so that the order of the callers' list changes nothing.
  readers         = sort(distinct(var.readers))
  reader_accounts = sort(distinct([for arn in var.readers : "arn:aws:iam::${split(":", arn)[4]}:root"]))
}

data "aws_iam_policy_document" "store" {
  statement {
    sid       = "NothingWithoutTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.store.arn, "${aws_s3_bucket.store.arn}/*"]

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

  # The account is the principal and the role a condition. S3 refuses a policy with a role that is not there yet, and forgets
  # one that is deleted and made anew (IAM user guide, "AWS JSON policy elements: Principal"). So the accounts' roots can
  # be applied in any order.
  dynamic "statement" {
    for_each = local.dashboard_data[*]
    content {
      sid       = "OnboardAccountsPublishesTheDashboardsData"
      actions   = ["s3:PutObject"]
      resources = ["${aws_s3_bucket.store.arn}/${statement.value.key}"]

      principals {
        type        = "AWS"
        identifiers = ["arn:aws:iam::${split(":", statement.value.publisher)[4]}:root"]
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:PrincipalArn"
        values   = [statement.value.publisher]
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
      sid       = "ReadersSeeTheDashboard"
      actions   = ["s3:GetObject"]
      resources = ["${aws_s3_bucket.store.arn}/${local.report.store.prefix}dashboard/*"]

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

  # CloudFront developer guide, "Restrict access to an Amazon S3 origin".
  dynamic "statement" {
    for_each = length(var.distributions) > 0 ? ["distributions"] : []
    content {
      sid       = "DistributionsServeTheDashboard"
      actions   = ["s3:GetObject"]
      resources = ["${aws_s3_bucket.store.arn}/${local.report.store.prefix}dashboard/*"]

      principals {
        type        = "Service"
        identifiers = ["cloudfront.amazonaws.com"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:SourceArn"
        values   = sort(distinct(var.distributions))
      }
    }
  }
}

resource "aws_s3_bucket_policy" "store" {
  bucket = aws_s3_bucket.store.id
  policy = data.aws_iam_policy_document.store.json

  # S3 takes one change of a bucket's access at a time.
  depends_on = [aws_s3_bucket_public_access_block.store, aws_s3_bucket_ownership_controls.store]
}
