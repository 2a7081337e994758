locals {
  onboarding = var.banto.onboarding
  queue      = local.onboarding.queue
  notices    = var.banto.notices
  secrets    = try(var.banto.secrets[0], { account = "", region = "" })
  stack_set  = local.onboarding.way == "stackset" ? local.onboarding.stack_set : null

  template = jsondecode(templatefile("${path.module}/../../../functions/onboard-accounts/iam-policy.json", {
    management_account = var.banto.organization.management_account
    organization       = var.organization_id
    reach_role         = local.onboarding.reach_role
    region             = local.queue.region
    account            = local.queue.account
    stack_set          = try(local.stack_set.name, "")
    queue              = local.queue.name
    table              = local.onboarding.table
    dashboard_bucket   = local.onboarding.dashboard.bucket
    dashboard_key      = local.onboarding.dashboard.key
    notices_queue      = try(local.notices.queue.arn, "")
    operators_topic    = local.notices.operators_topic.arn
    secrets_region     = local.secrets.region
    secrets_account    = local.secrets.account
  }))

  # Statements that this policy has no use for.
  left_out = toset(concat(
    local.stack_set == null ? ["LookAtTheStackSet", "SeeToTheStackSet"] : [],
    local.notices.queue == null ? ["HandNoticesOn"] : [],
    local.notices.slack ? [] : ["ReadTheWebhooks", "DecryptTheSecrets"],
  ))

  # A delegated administrator's StackSet lies in the management account (CloudFormation API reference, CreateStackSet, `CallAs`).
  # No document says whose account its ARN names, so that both are allowed.
  stack_set_accounts = distinct(concat(
    [local.queue.account],
    try(local.stack_set.delegated, false) ? [var.banto.organization.management_account] : [],
  ))
  stack_set_arns = {
    for kind in ["stackset", "stackset-target"] : kind => [
      for account in local.stack_set_accounts : "arn:aws:cloudformation:${local.queue.region}:${account}:${kind}/${try(local.stack_set.name, "")}:*"
    ]
  }
  resources = {
    LookAtTheStackSet = local.stack_set_arns["stackset"]
    SeeToTheStackSet = concat(
      local.stack_set_arns["stackset"],
      local.stack_set_arns["stackset-target"],
      ["arn:aws:cloudformation:${local.queue.region}::type/resource/*"],
    )
  }

  policy = jsonencode(merge(local.template, {
    Statement = [
      for statement in local.template.Statement :
      merge(statement, try({ Resource = local.resources[statement.Sid] }, {}))
      if !contains(local.left_out, statement.Sid)
    ]
  }))
}
