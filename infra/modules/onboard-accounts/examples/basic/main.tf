provider "aws" {
  region = "ap-northeast-1"
}

module "topic" {
  source = "../../../alarm-topic"
  mails  = ["sre@example.com"]
}

module "onboard_accounts" {
  source          = "../.."
  banto           = jsondecode(file("${path.module}/../../../../envs/example/banto.auto.tfvars.json")).banto
  organization_id = "o-exampleorgid"
  alarm_topics    = [module.topic.arn]

  package_s3 = {
    bucket = "example-packages"
    key    = "onboard-accounts.zip"
    sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  }
}
