data "aws_caller_identity" "this" {}

data "aws_region" "this" {}

locals {
  rotation = var.banto.rotation
  notices  = var.banto.notices
  secrets  = try(var.banto.secrets[0], { account = "", region = "" })

  # The identity account that the function runs in. There is none where it runs beside them all, and assumes a role in each.
  own    = one([for account in local.rotation.accounts : account if !account.assume])
  others = { for account in local.rotation.accounts : account.id => account.role.arn if account.assume }
}

module "identity" {
  source = "../rotator-role/policy"

  banto     = var.banto
  account   = try(local.own.id, null)
  region    = data.aws_region.this.region
  user_path = var.user_path
}

locals {
  template = jsondecode(templatefile("${path.module}/../../../functions/rotate-access-keys/iam-policy.json", {
    operators_topic       = local.notices.operators_topic.arn
    owners_topic          = local.notices.owners_topic.arn
    queue_arn             = "arn:aws:sqs:${data.aws_region.this.region}:${data.aws_caller_identity.this.account_id}:${var.queue_name}"
    revocations_queue_arn = try(local.rotation.revocations.arn, "")
    identity_roles        = ""
    organization          = var.organization_id
    secrets_region        = local.secrets.region
    secrets_account       = local.secrets.account

    # These are an identity account's: the module above fills them in.
    account            = ""
    region             = ""
    user_path          = ""
    signing_key        = ""
    certificate_bucket = ""
    certificate_prefix = ""
  }))

  # Statements that this policy has no use for.
  left_out = toset(concat(
    module.identity.sids,
    length(local.others) == 0 ? ["EnterOtherIdentityAccounts"] : [],
    local.rotation.revocations == null ? ["HandRevocationsToOnboardAccounts"] : [],
    local.notices.slack ? [] : ["ReadTheWebhooks", "DecryptTheSecrets"],
  ))

  resources = {
    EnterOtherIdentityAccounts = values(local.others)
    TellPeople                 = distinct([local.notices.operators_topic.arn, local.notices.owners_topic.arn])
  }

  policy = jsonencode(merge(local.template, {
    Statement = concat(
      jsondecode(module.identity.statements),
      [
        for statement in local.template.Statement :
        merge(statement, try({ Resource = local.resources[statement.Sid] }, {}))
        if !contains(local.left_out, statement.Sid)
      ],
    )
  }))
}
