locals {
  map = jsonencode({ for slug, root in local.roots : slug => {
    repository = "${local.owners[root.repository].name}/${root.repository}"
    accounts   = root.accounts
  } })
}

output "roles" {
  description = "The ARNs of each root's two roles, `plan` and `apply`, by the root's name."
  value       = { for slug in keys(local.roots) : slug => { for phase in keys(local.occasions) : phase => aws_iam_role.this["${phase}-${slug}"].arn } }

  # A role is of use once it may do something.
  depends_on = [aws_iam_role_policy.this]
}

output "github_variables" {
  description = "The variables of the GitHub organization that the workflows read."
  value = {
    BANTO_HUB_ACCOUNT  = var.account_id
    BANTO_STATE_BUCKET = aws_s3_bucket.state.bucket
    BANTO_REGION       = var.region
    # The page of all roots shows those that never wrote a status, too.
    BANTO_ROOTS = local.map
  }

  # GitHub Docs, "Variables reference", "Limits": a variable has 48 KB at the most.
  precondition {
    condition     = length(local.map) <= 48000
    error_message = "BANTO_ROOTS would have ${length(local.map)} characters, and a variable of GitHub takes 48,000: name fewer accounts in each root."
  }
}

output "provider_arn" {
  description = "The ARN of GitHub's OIDC provider."
  value       = local.provider_arn
}
