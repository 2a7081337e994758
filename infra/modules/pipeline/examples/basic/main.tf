provider "aws" {
  region = "ap-northeast-1"
}

module "pipeline" {
  source              = "../.."
  account_id          = "999988887777"
  region              = "ap-northeast-1"
  github_organization = { name = "example-org", id = "12345678" }
  state_bucket        = "example-terraform-state-999988887777"
  administrators      = ["arn:aws:iam::999988887777:role/admin"]
  home                = "banto"

  repositories = {
    banto = {
      id    = "87654321"
      roots = { identity = { accounts = ["111122223333"] } }
    }
    shop = {
      id = "76543210"
      roots = {
        shop-staging    = { accounts = ["222233334444"] }
        shop-production = { accounts = ["333344445555"] }
      }
    }
  }
}
