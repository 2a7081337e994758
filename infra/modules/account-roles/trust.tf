# The trust policies are the same, word for word, as those that onboard-accounts writes into accounts and the StackSet's template has.

locals {
  # The conditions that a role asks for itself, by operator.
  asked = { for name, role in local.roles : name => jsondecode(coalesce(role.conditions, "{}")) }

  # What Banto adds to them. IAM puts the user's name in for ${aws:username}
  # (IAM user guide, "IAM policy elements: Variables and tags").
  added = {
    for name, role in local.roles : name => merge(
      { for operator in ["Bool"] : operator => { "aws:MultiFactorAuthPresent" = "true" } if role.mfa },
      { for operator in ["StringEquals"] : operator => { "sts:RoleSessionName" = "$${aws:username}" } if role.session_name == "user" },
    )
  }

  conditions = {
    for name in keys(local.roles) : name => {
      for operator in setunion(keys(local.asked[name]), keys(local.added[name])) :
      operator => merge(try(local.asked[name][operator], {}), try(local.added[name][operator], {}))
    }
  }

  trust = {
    for name, role in local.roles : name => jsonencode({
      Version = "2012-10-17"
      Statement = [merge(
        {
          Effect    = "Allow"
          Principal = { AWS = [for account in sort(role.trusted) : "arn:aws:iam::${account}:root"] }
          Action    = "sts:AssumeRole"
        },
        { for key in ["Condition"] : key => local.conditions[name] if length(local.conditions[name]) > 0 },
      )]
    })
  }
}
