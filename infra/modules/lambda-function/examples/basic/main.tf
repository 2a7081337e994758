provider "aws" {
  region = "ap-northeast-1"
}

module "topic" {
  source = "../../../alarm-topic"
  mails  = ["sre@example.com"]
}

module "function" {
  source       = "../.."
  name         = "banto-example"
  description  = "Says what time it is"
  timeout      = 60
  policy       = jsonencode({ Version = "2012-10-17", Statement = [] })
  schedules    = { daily = { expression = "cron(0 3 * * ? *)" } }
  alarm_topics = [module.topic.arn]

  package_s3 = {
    bucket = "example-packages"
    key    = "example.zip"
    sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  }
}
