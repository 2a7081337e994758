# The hub of the pipeline, in the management account. A person applies this root: it says who the pipeline is, so that the pipeline must
# not be able to change it.
provider "aws" {
  region              = var.banto.organization.home_region
  allowed_account_ids = [var.banto.organization.management_account]
}

module "pipeline" {
  source              = "../../../modules/pipeline"
  account_id          = var.banto.organization.management_account
  region              = var.banto.organization.home_region
  github_organization = var.github_organization
  repositories        = var.repositories
  home                = var.home
  state_bucket        = var.state_bucket
  administrators      = var.administrators
}

output "github_variables" {
  description = "For the settings of the GitHub organization: the variables of its workflows."
  value       = module.pipeline.github_variables
}
