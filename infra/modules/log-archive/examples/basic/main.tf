provider "aws" {
  region = "ap-northeast-1"
}

locals {
  # A root of your own has `variable "banto"` and the file beside it, which Terraform reads by itself.
  banto = jsondecode(file("${path.module}/../../../../envs/example/banto.auto.tfvars.json")).banto
}

module "log_archive" {
  source          = "../.."
  banto           = local.banto
  organization_id = "o-exampleorgid"
  accounts        = ["111122223333", "444455556666", "999988887777"]
  readers         = ["arn:aws:iam::444455556666:role/banto/report-compliance"]
}
