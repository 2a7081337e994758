locals {
  # Each account's rules send by a role of the account: the stack set event-forwarding makes it, and the module organization in the
  # management account. Its name has the region in it.
  event_senders = [{
    Sid       = "RulesOfTheOrganization"
    Principal = { AWS = "*" }
    Condition = {
      StringEquals = { "aws:PrincipalOrgID" = var.organization_id }
      ArnLike      = { "aws:PrincipalArn" = "arn:aws:iam::*:role/banto/banto-forward-*" }
    }
  }]

  # Functions hand notices on by this queue where notices.queue names it. A role of this account needs its own policy only.
  takes_notices = try(var.banto.notices.queue.arn, null) == try(local.compliance.deliveries.arn, "")
  notice_senders = sort([
    for arn in toset(concat(
      local.takes_notices ? try(["arn:aws:iam::${var.banto.onboarding.queue.account}:role/banto/onboard-accounts"], []) : [],
      var.senders,
    )) : arn if split(":", arn)[4] != local.account
  ])

  # The policy names accounts, and the roles in a condition: a role that does not exist yet can't be a principal, and one that was made
  # anew is another principal of the same name. (IAM user guide, "AWS JSON policy elements: Principal".)
  delivery_senders = [
    for roles in [local.notice_senders] : {
      Sid       = "FunctionsOfOtherAccounts"
      Principal = { AWS = [for account in sort(distinct([for arn in roles : split(":", arn)[4]])) : "arn:aws:iam::${account}:root"] }
      Condition = {
        StringEquals = { "aws:PrincipalOrgID" = var.organization_id }
        ArnEquals    = { "aws:PrincipalArn" = roles }
      }
    } if length(roles) > 0
  ]
}
