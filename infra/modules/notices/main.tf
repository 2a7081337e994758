# Topics and secrets are made by their names, in the provider's region. The functions' permissions have ARNs with the region of banto.toml.
data "aws_region" "this" {
  lifecycle {
    postcondition {
      condition     = self.region == local.region
      error_message = "By banto.toml notices.operators_topic lies in ${local.region}, and the provider's region is ${self.region}. The module needs a provider of the former."
    }
  }
}

locals {
  account = var.banto.notices.operators_topic.account
  region  = var.banto.notices.operators_topic.region

  # A route may lead to a topic of somebody else's: those of another account or region are made, and let Banto in, by their owners.
  named_topics = concat(
    [var.banto.notices.operators_topic, var.banto.notices.owners_topic],
    try(var.banto.compliance.topics, []),
  )
  topics    = { for topic in local.named_topics : topic.name => topic... if topic.account == local.account && topic.region == local.region }
  elsewhere = toset([for topic in local.named_topics : topic.arn if topic.account != local.account || topic.region != local.region])

  notify_compliance = try(["arn:aws:iam::${var.banto.compliance.queue.account}:role/banto/notify-compliance"], [])

  # The functions that lie in other accounts, by their roles. A role of this account needs its own policy only, and is not named.
  # Where rotate-access-keys assumes no role, the role that banto.toml names is the function's own.
  foreign_roles = sort([
    for arn in toset(concat(
      local.notify_compliance,
      try(["arn:aws:iam::${var.banto.onboarding.queue.account}:role/banto/onboard-accounts"], []),
      try([for account in var.banto.rotation.accounts : account.role.arn if !account.assume], []),
      var.roles,
    )) : arn if split(":", arn)[4] != local.account
  ])
}
