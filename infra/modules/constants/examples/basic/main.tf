provider "aws" {
  region = "ap-northeast-1"

  default_tags {
    tags = module.constants.tags
  }
}

module "constants" {
  source           = "../.."
  company_cidrs_v4 = ["198.51.100.0/24", "203.0.113.0/24"]
  accounts         = { identity = "111122223333" }
  contacts         = { operations = "sre@example.com" }
  tags             = { "cost-centre" = "platform" }
}

# Billing is looked at from the office alone.
module "account_roles" {
  source = "../../../account-roles"

  patterns = {
    billing = {
      trusted    = [module.constants.accounts["identity"]]
      conditions = module.constants.from_company
    }
  }
}
