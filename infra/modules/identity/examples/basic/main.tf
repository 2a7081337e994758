provider "aws" {
  region = "ap-northeast-1"
}

locals {
  banto = jsondecode(file("${path.module}/../../../../envs/example/banto.auto.tfvars.json")).banto
}

module "identity" {
  source = "../.."

  banto            = local.banto
  account_id       = "111122223333"
  organization_id  = "o-exampleorgid"
  rotator_function = "banto-rotate-access-keys"

  # Whoever applies this is one of slack_provisioners in the module organization. Without `slack` alice sets the tag by herself.
  users  = { alice = { groups = ["developers"], slack = "U024BE7LH" } }
  groups = { developers = { roles = ["readonly"] } }
}

output "signing_public_key" {
  description = "For banto.toml: rotation.signing_public_keys."
  value       = module.identity.signing_public_key
}
