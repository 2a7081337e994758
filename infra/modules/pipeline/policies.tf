locals {
  # S3 answers 404 for an object that is not there, as the state of a new root, only to those who may list the bucket (S3 API reference,
  # GetObject, "Permissions"), and it is said nowhere that a condition on the prefix is met then. Keys are names of roots and numbers of
  # runs: they tell nothing.
  list = { Sid = "SeesWhatIsThere", Effect = "Allow", Action = "s3:ListBucket", Resource = local.bucket_arn }

  statements = {
    for key, role in local.roles : key => concat(
      [for phase in [role.phase] : {
        Sid      = "AssumesTheAccountsRole"
        Effect   = "Allow"
        Action   = "sts:AssumeRole"
        Resource = [for account in role.accounts : "arn:aws:iam::${account}:role/terraform-${phase}"]
      } if phase != "status"],
      [local.list],
      [for statement in local.objects[role.phase] : merge(statement, {
        Effect   = "Allow"
        Resource = [for key in statement.Resource : "${local.bucket_arn}/${replace(key, "*", role.slug)}${startswith(key, "plans/") ? "/*" : ""}"]
      })],
    )
  }

  # The objects of a root, whose name stands where the asterisk is.
  objects = {
    plan = [
      { Sid = "ReadsItsState", Action = ["s3:GetObject"], Resource = ["state/*.tfstate"] },
      { Sid = "KeepsPlansAndStatus", Action = ["s3:GetObject", "s3:PutObject"], Resource = ["plans/*", "status/*.json"] },
    ]
    apply = [
      { Sid = "KeepsItsStateAndStatus", Action = ["s3:GetObject", "s3:PutObject"], Resource = ["state/*.tfstate", "state/*.tfstate.tflock", "status/*.json"] },
      # A lock is an object, and is given back by deleting it (Terraform documentation, "S3", "State Locking").
      { Sid = "GivesItsLockBack", Action = ["s3:DeleteObject"], Resource = ["state/*.tfstate.tflock"] },
      { Sid = "ReadsPlans", Action = ["s3:GetObject"], Resource = ["plans/*"] },
    ]
    status = [{ Sid = "ReadsStatuses", Action = ["s3:GetObject"], Resource = ["status/*"] }]
  }
}

# What a role of the pipeline may ever do, whatever is attached to it: the same as its policy, for all roots. Roles, the provider and the
# bucket's settings are not among it.
resource "aws_iam_policy" "boundary" {
  #checkov:skip=CKV_AWS_290:A boundary allows nothing by itself; each role's own policy names its root's objects
  #checkov:skip=CKV_AWS_355:A boundary allows nothing by itself; each role's own policy names its root's objects
  for_each = { for phase, statements in local.objects : phase => statements if contains(values(local.roles)[*].phase, phase) }

  path        = "/banto/"
  name        = "pipeline-${each.key}-boundary"
  description = "What a role of the pipeline may do at the most: ${each.key}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [for phase in [each.key] : {
        Sid = "AssumesTheAccountsRole", Effect = "Allow", Action = "sts:AssumeRole", Resource = "arn:aws:iam::*:role/terraform-${phase}"
      } if phase != "status"],
      [local.list],
      [for statement in each.value : merge(statement, { Effect = "Allow", Resource = [for key in statement.Resource : "${local.bucket_arn}/${key}"] })],
    )
  })
}
