# The part of functions/rotate-access-keys/iam-policy.json that an identity account's role needs.
locals {
  # By name, so that a new statement is the function's own until somebody thinks about it.
  sids = [
    "ReadTheCredentialReport",
    "RotateTheUsersKeys",
    "EndTheUsersSessions",
    "ReadWhatWasDoneWithExposedKeys",
    "ReadTheGroupsThatThePolicyNames",
    "KeepTheRecords",
    "SignTheRecords",
    "FindTheOpenRecords",
    "ReadTheCertificates",
    "LearnSinceWhenACertificateHasBeenStored",
    "TellAMissingCertificateFromAForbiddenOne",
  ]

  identity = one([for account in var.banto.rotation.accounts : account if account.id == var.account])

  template = jsondecode(templatefile("${path.module}/../../../../functions/rotate-access-keys/iam-policy.json", {
    account            = coalesce(var.account, "-")
    region             = var.region
    user_path          = var.user_path
    signing_key        = coalesce(var.banto.rotation.signing_key, "-")
    certificate_bucket = try(local.identity.certificate_bucket, "-")
    certificate_prefix = try(local.identity.certificate_prefix, "-")

    # These are the function's own.
    operators_topic       = ""
    owners_topic          = ""
    queue_arn             = ""
    revocations_queue_arn = ""
    identity_roles        = ""
    organization          = ""
    secrets_region        = ""
    secrets_account       = ""
  }))

  left_out = toset(concat(
    var.banto.rotation.signing_key == null ? ["SignTheRecords"] : [],
    length(var.banto.rotation.groups) == 0 ? ["ReadTheGroupsThatThePolicyNames"] : [],
  ))

  resources = {
    # A group's ARN has its path, which banto.toml does not.
    ReadTheGroupsThatThePolicyNames = flatten([
      for group in sort(var.banto.rotation.groups) :
      ["arn:aws:iam::${coalesce(var.account, "-")}:group/${group}", "arn:aws:iam::${coalesce(var.account, "-")}:group/*/${group}"]
    ])
  }

  statements = [
    for statement in local.template.Statement :
    merge(statement, try({ Resource = local.resources[statement.Sid] }, {}))
    if contains(local.sids, statement.Sid) && !contains(local.left_out, statement.Sid) && var.account != null
  ]
}
