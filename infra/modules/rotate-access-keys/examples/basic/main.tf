provider "aws" {
  region = "ap-northeast-1"
}

module "topic" {
  source = "../../../alarm-topic"
  mails  = ["sre@example.com"]
}

module "rotate_access_keys" {
  source          = "../.."
  banto           = jsondecode(file("${path.module}/../../../../envs/example/banto.auto.tfvars.json")).banto
  organization_id = "o-exampleorgid"
  alarm_topics    = [module.topic.arn]
  alarm_mails     = ["sre@example.com"]

  package_s3 = {
    bucket = "example-packages"
    key    = "rotate-access-keys.zip"
    sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  }
}
