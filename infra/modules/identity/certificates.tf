# The bucket of the users' certificates. What it holds is public. What matters is who stored it, and since when it has been there.

locals {
  bucket = { for name in [local.here.certificate_bucket] : name => name if var.certificate_bucket }
}

resource "aws_s3_bucket" "certificates" {
  #checkov:skip=CKV_AWS_18:CloudTrail has who stored what; certificates are public.
  #checkov:skip=CKV_AWS_144:A certificate that is lost is registered again.
  #checkov:skip=CKV_AWS_145:Certificates are public. A key of its own would have to let in every user.
  #checkov:skip=CKV2_AWS_62:Nothing acts on a certificate before its owner's key is due.
  for_each = local.bucket

  bucket = each.value
}

resource "aws_s3_bucket_versioning" "certificates" {
  for_each = local.bucket

  bucket = aws_s3_bucket.certificates[each.key].bucket

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "certificates" {
  for_each = local.bucket

  bucket                  = aws_s3_bucket.certificates[each.key].bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "certificates" {
  for_each = local.bucket

  bucket = aws_s3_bucket.certificates[each.key].bucket

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "certificates" {
  for_each = local.bucket

  bucket = aws_s3_bucket.certificates[each.key].bucket

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "certificates" {
  #checkov:skip=CKV_AWS_300:The first rule ends unfinished uploads. The check does not see it beside a dynamic rule.
  for_each = local.bucket

  bucket = aws_s3_bucket.certificates[each.key].bucket

  # A certificate is one small object: an upload in parts that is a week old was given up.
  rule {
    id     = "uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  dynamic "rule" {
    for_each = var.certificate_versions_days == null ? [] : [var.certificate_versions_days]

    content {
      id     = "versions"
      status = "Enabled"

      filter {}

      noncurrent_version_expiration {
        noncurrent_days = rule.value
        # The function reads the ten latest versions of a certificate (docs/SECURITY.md). These stay however old they are.
        newer_noncurrent_versions = 10
      }
    }
  }

  # S3 refuses rules for versions where there are none yet.
  depends_on = [aws_s3_bucket_versioning.certificates]
}

resource "aws_s3_bucket_policy" "certificates" {
  for_each = local.bucket

  bucket = aws_s3_bucket.certificates[each.key].bucket
  policy = jsonencode(jsondecode(templatefile("${path.module}/policies/certificate-bucket.json", merge(local.names, {
    registry_roles = sort(var.registry_roles)
  }))))

  depends_on = [aws_s3_bucket_public_access_block.certificates]
}
