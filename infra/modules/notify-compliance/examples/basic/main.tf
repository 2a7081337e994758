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

module "notify_compliance" {
  source          = "../.."
  banto           = local.banto
  organization_id = "o-exampleorgid"
  aggregator_arn  = "arn:aws:config:ap-northeast-1:444455556666:config-aggregator/config-aggregator-abcd1234"
  alarm_topics    = [module.alarms.arn]

  package_s3 = {
    bucket = "example-packages"
    key    = "notify-compliance.zip"
    sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  }
}
