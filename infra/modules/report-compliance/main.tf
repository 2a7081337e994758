data "aws_caller_identity" "this" {}

data "aws_region" "this" {}

locals {
  name    = "banto-report-compliance"
  account = data.aws_caller_identity.this.account_id
  region  = data.aws_region.this.region

  report = var.banto.report
  athena = local.report.athena
  mail   = local.report.mail

  # Resources that the policy may or may not ask for are keyed by one word rather than counted.
  with_athena     = toset(local.athena == null ? [] : ["athena"])
  with_mail       = toset(local.mail == null ? [] : ["mail"])
  with_quicksight = toset(var.quicksight == null ? [] : ["quicksight"])

  # A day after the month's end its last snapshots are in the archive, so that there is no run on the 1st.
  # The daily run finds the month whole, and reads one object. It goes on with one that is not, and by it the alarm
  # schedule-missed sees within 36 hours that the schedules are gone, which nothing else would tell before the 2nd.
  # From the month's last 23:00 to the 2nd there are 25 hours.
  schedules = {
    monthly = { expression = "cron(0 * 2-5 * ? *)" }
    daily   = { expression = "cron(0 23 6-31 * ? *)" }
  }
}

module "function" {
  source = "../lambda-function"

  name               = local.name
  description        = "Makes the month's report of compliance, and mails it"
  policy             = local.policy
  package            = var.package
  package_s3         = var.package_s3
  architecture       = var.architecture
  environment        = var.environment
  memory             = var.memory
  timeout            = 900 # The most that Lambda allows: a month is many objects, and a run goes on where the last one ended.
  log_retention_days = var.log_retention_days
  log_kms_key        = var.log_kms_key
  keep_log           = var.keep_log
  alarms             = local.alarms
  alarm_topics       = var.alarm_topics
  schedules          = local.schedules
}
