provider "aws" {
  region = "ap-northeast-1"
}

# The roles of people and of the pipeline in the management account, which no StackSet reaches.
module "account_roles" {
  source = "../.."

  patterns = {
    admin    = { trusted = ["111122223333"] }
    readonly = { trusted = ["111122223333"] }
    terraform-plan = {
      trusted    = ["999988887777"]
      conditions = jsonencode({ ArnLike = { "aws:PrincipalArn" = "arn:aws:iam::999988887777:role/banto/pipeline-plan-*" } })
    }
  }
}

output "roles" {
  description = "The ARNs of the roles, by name."
  value       = module.account_roles.arns
}
