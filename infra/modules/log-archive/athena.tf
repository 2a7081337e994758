locals {
  results_bucket = coalesce(var.results_bucket, "banto-athena-${local.account}")
}

# What queries answered. Each result can be had again by asking again, so that nothing in it is kept.
resource "aws_s3_bucket" "results" {
  #checkov:skip=CKV_AWS_18:CloudTrail has who asked what; the results come and go
  #checkov:skip=CKV_AWS_21:A result is written once and goes after some days, and its versions would stay
  #checkov:skip=CKV_AWS_144:A result that is lost is asked for again
  #checkov:skip=CKV_AWS_145:S3's own key does, and a key in KMS would be one more right for each who asks
  #checkov:skip=CKV2_AWS_62:Whoever asks is told by Athena when the answer is there
  for_each = local.with_athena

  bucket = local.results_bucket
}

resource "aws_s3_bucket_server_side_encryption_configuration" "results" {
  for_each = local.with_athena

  bucket = aws_s3_bucket.results[each.key].bucket

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "results" {
  for_each = local.with_athena

  bucket                  = aws_s3_bucket.results[each.key].bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "results" {
  for_each = local.with_athena

  bucket = aws_s3_bucket.results[each.key].bucket

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "results" {
  for_each = local.with_athena

  bucket = aws_s3_bucket.results[each.key].bucket

  rule {
    id     = "results"
    status = "Enabled"

    filter {}

    expiration {
      days = var.results_days
    }

    # A query runs for 30 minutes at most, unless its quota was raised: what is a day old was given up.
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

data "aws_iam_policy_document" "results" {
  for_each = local.with_athena

  statement {
    sid       = "NothingWithoutTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["arn:aws:s3:::${local.results_bucket}", "arn:aws:s3:::${local.results_bucket}/*"]

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
}

resource "aws_s3_bucket_policy" "results" {
  for_each = local.with_athena

  bucket = aws_s3_bucket.results[each.key].bucket
  policy = data.aws_iam_policy_document.results[each.key].json

  # S3 takes one change of a bucket's access at a time.
  depends_on = [aws_s3_bucket_public_access_block.results, aws_s3_bucket_ownership_controls.results]
}

resource "aws_athena_workgroup" "this" {
  for_each = local.with_athena

  name        = local.athena.workgroup
  description = "Queries of the log archive, each with a limit of what it scans"

  configuration {
    # The report relies on results and limit being the workgroup's, whatever somebody sets in the console.
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    # docs/athena.md counts in gigabytes of 10^9 bytes.
    bytes_scanned_cutoff_per_query = floor(coalesce(var.query_limit_gb, local.athena.scan_limit_gb) * 1000000000)

    # The SQL is written for it.
    engine_version {
      selected_engine_version = "Athena engine version 3"
    }

    result_configuration {
      output_location       = "s3://${aws_s3_bucket.results[each.key].bucket}/"
      expected_bucket_owner = local.account

      encryption_configuration {
        encryption_option = "SSE_S3"
      }
    }
  }
}
