# The bucket that AWS Config of all accounts and regions delivers to. Its objects are evidence: what is overwritten or deleted
# stays as an earlier version.
resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18:access_logs writes one where the caller has a bucket for it
  #checkov:skip=CKV_AWS_144:AWS Config keeps the history of configurations as well, so that a copy elsewhere is for whoever must have one
  #checkov:skip=CKV_AWS_145:make_kms_key encrypts by a key in KMS where the caller wants one
  #checkov:skip=CKV2_AWS_62:The report reads once a month and waits for no event
  for_each = local.own_bucket

  bucket = local.bucket
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = local.own_bucket

  bucket = aws_s3_bucket.this[each.key].bucket

  versioning_configuration {
    status = "Enabled"
  }
}

locals {
  key_arn = var.make_kms_key ? aws_kms_key.this["key"].arn : var.banto.log_archive.kms_key
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.own_bucket

  bucket = aws_s3_bucket.this[each.key].bucket

  rule {
    # One data key for many objects: each snapshot would be a call of KMS otherwise, and each read of it.
    bucket_key_enabled = local.with_kms

    apply_server_side_encryption_by_default {
      sse_algorithm     = local.with_kms ? "aws:kms" : "AES256"
      kms_master_key_id = local.key_arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = local.own_bucket

  bucket                  = aws_s3_bucket.this[each.key].bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# AWS Config writes for other accounts. Without ACLs what it writes belongs to the bucket's owner.
resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = local.own_bucket

  bucket = aws_s3_bucket.this[each.key].bucket

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_logging" "this" {
  for_each = toset(var.access_logs == null ? [] : ["access_logs"])

  bucket        = aws_s3_bucket.this["bucket"].bucket
  target_bucket = var.access_logs.bucket
  target_prefix = var.access_logs.prefix
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  #checkov:skip=CKV_AWS_300:The rule uploads ends them; checkov loses sight of it beside rules that are dynamic
  for_each = local.own_bucket

  bucket = aws_s3_bucket.this[each.key].bucket

  # An object that is delivered in parts is there within the hour: parts that are a week old were given up.
  rule {
    id     = "uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  rule {
    id     = "versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_days
    }
  }

  dynamic "rule" {
    for_each = var.transition == null ? [] : [var.transition]

    content {
      id     = "cheaper"
      status = "Enabled"

      filter {}

      transition {
        days          = rule.value.days
        storage_class = rule.value.storage_class
      }
    }
  }

  dynamic "rule" {
    for_each = var.expire_days == null ? [] : [var.expire_days]

    content {
      id     = "expire"
      status = "Enabled"

      # What is not AWS Config's is not this module's to delete.
      filter {
        prefix = local.delivered
      }

      expiration {
        days = rule.value
      }
    }
  }

  # S3 refuses rules for versions where there are none yet.
  depends_on = [aws_s3_bucket_versioning.this]
}
