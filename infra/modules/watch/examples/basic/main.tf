provider "aws" {
  region = "ap-northeast-1"
}

module "watch" {
  source      = "../.."
  banto       = jsondecode(file("${path.module}/../../../../envs/example/banto.auto.tfvars.json")).banto
  account_id  = "111122223333"
  quiet_roles = ["arn:aws:iam::111122223333:role/terraform-apply"]
  mails       = ["security@example.com"]
}
