provider "aws" {
  region = "ap-northeast-1"
}

module "rotator_role" {
  source         = "../.."
  banto          = jsondecode(file("${path.module}/../../../../envs/example/banto.auto.tfvars.json")).banto
  account        = "111122223333"
  function_role  = "arn:aws:iam::444455556666:role/banto/rotate-access-keys"
  requests_queue = "arn:aws:sqs:ap-northeast-1:444455556666:banto-rotation"
  alarm_mails    = ["sre@example.com"]
}
