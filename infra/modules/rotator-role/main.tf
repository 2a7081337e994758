data "aws_region" "this" {}

module "policy" {
  source = "./policy"

  banto     = var.banto
  account   = var.account
  region    = data.aws_region.this.region
  user_path = var.user_path
}

locals {
  role = one([for account in var.banto.rotation.accounts : account.role if account.id == var.account])
}

# The principal is the function's account, and the condition has its role. A role as principal becomes its unique id, and would have to be
# named anew whenever the function's role is made anew (IAM user guide, "AWS JSON policy elements: Principal").
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${split(":", var.function_role)[4]}:root"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:PrincipalArn"
      values   = [var.function_role]
    }
  }
}

resource "aws_iam_role" "this" {
  name               = local.role.name
  path               = local.role.path
  description        = "What banto-rotate-access-keys does with the keys of this account"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "this" {
  name   = "own"
  role   = aws_iam_role.this.name
  policy = jsonencode({ Version = "2012-10-17", Statement = jsondecode(module.policy.statements) })
}

module "health" {
  source   = "./health"
  for_each = var.requests_queue == null ? toset([]) : toset(["health"])

  queue_arn   = var.requests_queue
  by_role     = true
  alarm_mails = var.alarm_mails
}
