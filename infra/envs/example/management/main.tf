# The management account: what all accounts have in common, and the function that sets each of them up.
provider "aws" {
  region              = var.banto.organization.home_region
  allowed_account_ids = [var.banto.organization.management_account]
}

module "organization" {
  source            = "../../../modules/organization"
  banto             = var.banto
  deploy_stack_sets = var.deploy_stack_sets
  deploy_rules      = var.deploy_rules
  deploy_policies   = var.deploy_policies

  # The pipeline applies the identity account's root as this role of the baseline.
  deployment_roles = [for account in var.banto.rotation.accounts : "arn:aws:iam::${account.id}:role/terraform-apply"]
}

module "alarm_topic" {
  source = "../../../modules/alarm-topic"
  mails  = var.alarm_mails
}

module "onboard_accounts" {
  source          = "../../../modules/onboard-accounts"
  banto           = var.banto
  package         = "../packages/onboard-accounts.zip"
  organization_id = module.organization.organization_id
  alarm_topics    = [module.alarm_topic.arn]
}
