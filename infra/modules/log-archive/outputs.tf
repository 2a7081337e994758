output "bucket" {
  description = "The bucket that AWS Config delivers to."
  value       = var.existing ? local.bucket : aws_s3_bucket.this["bucket"].bucket
}

output "bucket_policy" {
  description = "The bucket's policy, as JSON text. With existing it is what the policy of the bucket that is there must allow."
  value       = data.aws_iam_policy_document.bucket.json
}

output "kms_key" {
  description = "The ARN of the key that encrypts the archive, for onboarding.config.kms_key of banto.toml; null where S3's own key does."
  value       = local.key_arn
}

output "key_policy" {
  description = "What the policy of a key in KMS must allow that encrypts the archive and is not this module's, as JSON text."
  value       = data.aws_iam_policy_document.key.json
}

output "database" {
  description = "The name of the database of Glue; null without [report.athena]."
  value       = one(values(aws_glue_catalog_database.this)[*].name)
}

output "workgroup" {
  description = "The name of the workgroup of Athena; null without [report.athena]."
  value       = one(values(aws_athena_workgroup.this)[*].name)
}

output "results" {
  description = "Where the workgroup keeps results, as report-compliance's athena_results wants it; null without [report.athena]. It is known once tables and views are there."
  value       = local.athena == null ? null : { bucket = local.results_bucket, prefix = "" }

  # Whoever asks needs all of it.
  depends_on = [aws_glue_catalog_table.views, aws_athena_workgroup.this, aws_s3_bucket.results]
}
