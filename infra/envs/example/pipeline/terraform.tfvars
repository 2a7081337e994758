# gh api orgs/example-org --jq .id
github_organization = { name = "example-org", id = "12345678" }

state_bucket = "example-terraform-state-999988887777"

# Whoever applies this root must be one of them.
administrators = ["arn:aws:iam::999988887777:role/admin"]

# gh api repos/example-org/banto --jq .id
repositories = {
  banto = {
    id = "87654321"
    roots = {
      # Its terraform-apply could change this root's roles. Ask for two reviewers in the environment `management`.
      management  = { accounts = ["999988887777"], administers_hub = true }
      log-archive = { accounts = ["444455556666"] }
      identity    = { accounts = ["111122223333"] }
    }
  }
}

# Whose branch main may read the statuses of all roots, for the page that shows them.
home = "banto"
