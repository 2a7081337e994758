provider "aws" {
  region = "ap-northeast-1"
}

locals {
  # A root of your own has `variable "banto"` and the file beside it, which Terraform reads by itself.
  banto = jsondecode(file("${path.module}/../../../../envs/example/banto.auto.tfvars.json")).banto
}

module "notices" {
  source          = "../.."
  banto           = local.banto
  organization_id = "o-exampleorgid"
  mails           = { banto-operators = ["sre@example.com"] }
  owners          = { alice = ["alice@example.com"] }
}
