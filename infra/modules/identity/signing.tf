# The key that signs records. It is where the function runs, and never leaves KMS.

locals {
  root_user = "arn:aws:iam::${var.account_id}:root"
  signing   = { for name in ["alias/banto-records"] : name => name if coalesce(var.signing_key, !local.here.assume) }

  # The function signs with the role that it has in the account of the key's owner, whichever account the signing key is of. So all of
  # these roles sign, and those of other accounts need it in the key's policy besides their own (KMS developer guide, "Allowing users in
  # other accounts to use a KMS key"). The principals are the accounts: KMS refuses a policy that names a role which is not there yet.
  signing_roles    = sort(distinct([for account in var.banto.rotation.accounts : account.role.arn]))
  signing_accounts = sort(distinct([for account in var.banto.rotation.accounts : "arn:aws:iam::${account.id}:root"]))

  # Without a list whoever the account's IAM policies let.
  administrators = length(var.key_administrators) == 0 ? ["arn:aws:iam::${var.account_id}:*"] : concat(sort(var.key_administrators), [local.root_user])
}

resource "aws_kms_key" "signing" {
  #checkov:skip=CKV_AWS_7:KMS rotates no asymmetric keys. docs/receipts.md has how to change to another one.
  for_each = local.signing

  description              = "Signs the records of rotate-access-keys"
  customer_master_key_spec = "ECC_NIST_P256"
  key_usage                = "SIGN_VERIFY"
  deletion_window_in_days  = 30 # The most that KMS allows. Without the key no new record is believed.
  policy = jsonencode(jsondecode(templatefile("${path.module}/policies/signing-key.json", merge(local.names, {
    administrators   = local.administrators
    signing_accounts = local.signing_accounts
    signing_roles    = local.signing_roles
  }))))
}

resource "aws_kms_alias" "signing" {
  for_each = local.signing

  name          = each.value
  target_key_id = aws_kms_key.signing[each.key].key_id
}

data "aws_kms_public_key" "signing" {
  for_each = local.signing

  key_id = aws_kms_key.signing[each.key].arn
}
