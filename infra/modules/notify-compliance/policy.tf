locals {
  # Stands for itself in a statement that is left out.
  unused = "unused"

  compliance = var.banto.compliance
  region     = local.compliance.queue.region
  account    = local.compliance.queue.account

  mail_identity = local.compliance.mail_from == null ? local.unused : coalesce(var.mail_identity, split("@", local.compliance.mail_from)[1])

  # The report's set is the default one of the identity that report-compliance makes, and notify-compliance's mails go by it where theirs is the
  # same. SendEmail has the set for a resource beside the identity (Service Authorization Reference, "Actions defined by Amazon Simple Email Service v2").
  configuration_set = try(var.banto.report.mail.configuration_set, null)

  template = jsondecode(templatefile("${path.module}/../../../functions/notify-compliance/iam-policy.json", {
    organization    = var.organization_id
    region          = local.region
    account         = local.account
    aggregator_id   = split("/", var.aggregator_arn)[1]
    queue           = local.compliance.queue.name
    deliveries      = local.compliance.deliveries.name
    table           = local.compliance.table
    topics          = local.unused
    mail_identity   = local.mail_identity
    secrets_region  = try(var.banto.secrets[0].region, local.unused)
    secrets_account = try(var.banto.secrets[0].account, local.unused)
  }))

  left_out = toset(concat(
    local.compliance.mail_from == null ? ["TellByMail"] : [],
    length(var.banto.secrets) == 0 ? ["ReadTheTokenTheWebhooksAndTheEndpoints", "DecryptTheSecrets"] : [],
  ))

  resources = {
    # A list in banto.toml, and one name in the template. What nobody takes goes to operators.
    TellByTopics = sort(distinct(concat([var.banto.notices.operators_topic.arn], local.compliance.topics[*].arn)))
    # An aggregator may be of another account or region than the function's: its own ARN counts.
    AskTheAggregator = var.aggregator_arn
    TellByMail = concat(
      ["arn:aws:ses:${local.region}:${local.account}:identity/${local.mail_identity}"],
      local.configuration_set == null ? [] : ["arn:aws:ses:${local.region}:${local.account}:configuration-set/${local.configuration_set}"],
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
