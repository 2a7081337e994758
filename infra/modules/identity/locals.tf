data "aws_region" "current" {}

locals {
  # This account's entry in [[rotation.accounts]].
  here = one([for account in var.banto.rotation.accounts : account if account.id == var.account_id])

  # What the documents in policies/ have to fill in.
  names = {
    account            = var.account_id
    region             = coalesce(var.region, data.aws_region.current.region)
    certificate_bucket = local.here.certificate_bucket
    certificate_prefix = local.here.certificate_prefix
    path_prefix        = var.path_prefix
  }
}
