locals {
  config_administrator = var.config_administrator != null ? var.config_administrator : try(var.banto.compliance.queue.account, null)

  administrators = {
    # notify-compliance asks the aggregator of its own account, and AWS Config lets a delegated
    # administrator make one (AWS Config developer guide, "Aggregators").
    "config.amazonaws.com"                   = local.config_administrator
    "config-multiaccountsetup.amazonaws.com" = local.config_administrator
    "health.amazonaws.com"                   = var.health_administrator
    # The account where onboard-accounts runs, if the policy says that it calls as a delegate.
    "member.org.stacksets.cloudformation.amazonaws.com" = try(var.banto.onboarding.stack_set.delegated, false) ? var.banto.onboarding.queue.account : null
  }
}

resource "aws_organizations_delegated_administrator" "this" {
  # The management account may do all this by itself, and can't be its own delegate.
  for_each = {
    for service, account in local.administrators : service => account
    if account != null && account != var.banto.organization.management_account
  }

  service_principal = each.key
  account_id        = each.value

  depends_on = [aws_organizations_aws_service_access.this]
}
