# The identity account: the only one with IAM users, and the function that replaces their keys.
provider "aws" {
  region              = var.banto.organization.home_region
  allowed_account_ids = [local.account_id]
}

locals {
  account_id = var.banto.rotation.accounts[0].id
}

data "aws_organizations_organization" "this" {}

module "identity" {
  source           = "../../../modules/identity"
  banto            = var.banto
  account_id       = local.account_id
  organization_id  = data.aws_organizations_organization.this.id
  users            = var.users
  groups           = var.groups
  break_glass      = { users = ["alice"] }
  rotator_function = module.rotate_access_keys.function_name
}

module "alarm_topic" {
  source = "../../../modules/alarm-topic"
  mails  = var.alarm_mails
}

module "watch" {
  source     = "../../../modules/watch"
  banto      = var.banto
  account_id = local.account_id
  mails      = var.alarm_mails
  # Else each apply of the pipeline would be mailed.
  quiet_roles = ["arn:aws:iam::${local.account_id}:role/terraform-apply"]
}

module "rotate_access_keys" {
  source          = "../../../modules/rotate-access-keys"
  banto           = var.banto
  package         = "../packages/rotate-access-keys.zip"
  organization_id = data.aws_organizations_organization.this.id
  alarm_topics    = [module.alarm_topic.arn]
  alarm_mails     = var.alarm_mails
}

output "signing_key" {
  description = "For banto.toml: rotation.signing_key."
  value       = module.identity.signing_key
}

output "signing_public_key" {
  description = "For banto.toml: rotation.signing_public_keys."
  value       = module.identity.signing_public_key
}
