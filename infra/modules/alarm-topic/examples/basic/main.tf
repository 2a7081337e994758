provider "aws" {
  region = "ap-northeast-1"
}

module "topic" {
  source = "../.."
  mails  = ["sre@example.com"]
}

output "arn" {
  value = module.topic.arn
}
