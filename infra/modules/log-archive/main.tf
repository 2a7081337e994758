data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id
  region  = data.aws_region.current.region

  bucket = var.banto.log_archive.bucket
  report = var.banto.report
  athena = try(var.banto.report.athena, null)

  # What is made once, or not at all.
  own_bucket  = toset(var.existing ? [] : ["bucket"])
  with_key    = toset(var.make_kms_key ? ["key"] : [])
  with_athena = toset(local.athena == null ? [] : ["athena"])

  # Sorted, so that the order of the caller's list changes nothing.
  readers         = sort(distinct(var.readers))
  reader_accounts = sort(distinct([for arn in var.readers : "arn:aws:iam::${split(":", arn)[4]}:root"]))
}
