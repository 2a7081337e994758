provider "aws" {
  region = "ap-northeast-1"
}

locals {
  # A root of your own has `variable "banto"` and the file beside it, which Terraform reads by itself.
  banto = jsondecode(file("${path.module}/../../../../envs/example/banto.auto.tfvars.json")).banto
}

module "alarms" {
  source = "../../../alarm-topic"
  mails  = ["sre@example.com"]
}

module "report_compliance" {
  source          = "../.."
  banto           = local.banto
  alarm_topics    = [module.alarms.arn]
  organization_id = "o-exampleorgid"
  athena_results  = { bucket = "banto-athena-444455556666" }

  package_s3 = {
    bucket = "example-packages"
    key    = "report-compliance.zip"
    sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  }
}
