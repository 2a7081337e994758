provider "aws" {
  region = "ap-northeast-1"
}

module "aggregator" {
  source = "../.."

  banto = jsondecode(file("${path.module}/../../../../envs/example/banto.auto.tfvars.json")).banto
}
