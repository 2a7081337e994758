# A policy names accounts, and the roles in a condition: a role that does not exist yet can't be a principal, and one that was made
# anew is another principal of the same name. (IAM user guide, "AWS JSON policy elements: Principal".)
locals {
  access = {
    for kind, roles in {
      all = local.foreign_roles
      # Only notify-compliance posts to endpoints.
      endpoints = [for arn in local.foreign_roles : arn if contains(local.notify_compliance, arn)]
      } : kind => {
      accounts = [for account in sort(distinct([for arn in roles : split(":", arn)[4]])) : "arn:aws:iam::${account}:root"]
      roles    = roles
    } if length(roles) > 0
  }
}
