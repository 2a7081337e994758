# The log archive account: AWS Config's bucket, and the two functions that read what it says.
provider "aws" {
  region              = var.banto.organization.home_region
  allowed_account_ids = [var.banto.compliance.queue.account]
}

data "aws_organizations_organization" "this" {}

module "log_archive" {
  source          = "../../../modules/log-archive"
  banto           = var.banto
  organization_id = data.aws_organizations_organization.this.id
  accounts        = data.aws_organizations_organization.this.accounts[*].id
  readers         = [module.report_compliance.role_arn]
}

module "aggregator" {
  source = "../../../modules/aggregator"
  banto  = var.banto
}

module "notices" {
  source          = "../../../modules/notices"
  banto           = var.banto
  organization_id = data.aws_organizations_organization.this.id
}

module "alarm_topic" {
  source = "../../../modules/alarm-topic"
  mails  = var.alarm_mails
}

module "notify_compliance" {
  source          = "../../../modules/notify-compliance"
  banto           = var.banto
  package         = "../packages/notify-compliance.zip"
  organization_id = data.aws_organizations_organization.this.id
  aggregator_arn  = module.aggregator.arn
  alarm_topics    = [module.alarm_topic.arn]
}

module "report_compliance" {
  source          = "../../../modules/report-compliance"
  banto           = var.banto
  package         = "../packages/report-compliance.zip"
  organization_id = data.aws_organizations_organization.this.id
  aggregator_arn  = module.aggregator.arn
  athena_results  = module.log_archive.results
  alarm_topics    = [module.alarm_topic.arn]
}
