locals {
  # What the policy has no use for stands for itself in the template, and its statement is left out.
  unused = "unused"

  # Statuses of accounts: onboard-accounts writes them.
  statuses = try(var.banto.onboarding.dashboard, null)

  # The key is the log archive's. report.archive may be another bucket, whose key banto.toml does not name.
  archive_key = try(var.banto.log_archive.bucket, null) == local.report.archive.bucket ? var.banto.log_archive.kms_key : null

  mail_identity     = local.mail == null ? local.unused : coalesce(var.mail_identity, split("@", local.mail.from)[1])
  configuration_set = try(local.mail.configuration_set, null)

  slack_secrets = [for secret in var.banto.secrets : secret if startswith(secret.name, "banto/slack/")]

  template = jsondecode(templatefile("${path.module}/../../../functions/report-compliance/iam-policy.json", {
    account           = local.account
    region            = local.region
    organization      = var.organization_id
    archive_bucket    = local.report.archive.bucket
    archive_prefix    = local.report.archive.prefix
    archive_key       = local.archive_key == null ? local.unused : local.archive_key
    store_bucket      = local.report.store.bucket
    store_prefix      = local.report.store.prefix
    statuses_bucket   = local.statuses == null ? local.unused : local.statuses.bucket
    statuses_key      = local.statuses == null ? local.unused : local.statuses.key
    aggregator_id     = "*"
    mail_identity     = local.mail_identity
    configuration_set = local.configuration_set == null ? local.unused : local.configuration_set
    operators_topic   = var.banto.notices.operators_topic.arn
    notices_queue     = try(var.banto.notices.queue.arn, local.unused)
    secrets_account   = try(local.slack_secrets[0].account, local.unused)
    secrets_region    = try(local.slack_secrets[0].region, local.unused)
    workgroup         = try(local.athena.workgroup, local.unused)
    database          = try(local.athena.database, local.unused)
    results_bucket    = try(var.athena_results.bucket, local.unused)
    results_prefix    = try(var.athena_results.prefix, local.unused)
  }))

  left_out = toset(concat(
    local.archive_key == null ? ["DecryptTheArchiveWhereItHasAKeyOfItsOwn"] : [],
    local.statuses == null ? ["ReadTheStatusOfAccounts"] : [],
    local.report.aggregator == null ? ["AskTheAggregator"] : [],
    local.mail == null ? ["SendTheMails"] : [],
    var.banto.notices.queue == null ? ["TellOperatorsThroughTheQueueWhereThePolicyNamesOne"] : [],
    length(local.slack_secrets) == 0 ? ["ReadTheWebhooks", "DecryptTheSecrets"] : [],
    local.athena == null ? [for statement in local.template.Statement : statement.Sid if startswith(statement.Sid, "AthenaAlone")] : [],
  ))

  # What is named by its own ARN, and lists of which the policy may name a part.
  resources = merge(var.aggregator_arn == null ? {} : { AskTheAggregator = var.aggregator_arn }, {
    BeToldWhatTheStoreAndTheStatusesLack = distinct(concat(
      ["arn:aws:s3:::${local.report.store.bucket}"],
      local.statuses == null ? [] : ["arn:aws:s3:::${local.statuses.bucket}"],
    ))
    SendTheMails = concat(
      ["arn:aws:ses:${local.region}:${local.account}:identity/${local.mail_identity}"],
      local.configuration_set == null ? [] : ["arn:aws:ses:${local.region}:${local.account}:configuration-set/${local.configuration_set}"],
    )
  })

  policy = jsonencode(merge(local.template, {
    Statement = [
      for statement in local.template.Statement :
      merge(statement, try({ Resource = local.resources[statement.Sid] }, {}))
      if !contains(local.left_out, statement.Sid)
    ]
  }))
}
