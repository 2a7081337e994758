locals {
  issuer = "token.actions.githubusercontent.com"

  # IAM has one provider for an address in an account, and its ARN follows from the address, whoever made it.
  provider_arn = "arn:aws:iam::${var.account_id}:oidc-provider/${local.issuer}"

  bucket_arn = "arn:aws:s3:::${var.state_bucket}"

  # Repositories that were made or renamed since 15 July 2026 put the ids into `sub`, the others don't
  # (aws-actions/configure-aws-credentials, issues 1888 and 1890). Both forms are exact.
  owners = { for name, repository in var.repositories : name => coalesce(repository.owner, var.github_organization) }
  subjects = {
    for name, repository in var.repositories : name => [
      "repo:${local.owners[name].name}/${name}",
      "repo:${local.owners[name].name}@${local.owners[name].id}/${name}@${repository.id}",
    ]
  }

  roots = merge([
    for name, repository in var.repositories : {
      for slug, root in repository.roots : slug => { accounts = sort(root.accounts), repository = name }
    }
  ]...)

  # GitHub Docs, "OpenID Connect reference": the end of `sub`. A job with an environment has only that in it.
  main = "ref:refs/heads/main"
  occasions = {
    plan  = { for slug in keys(local.roots) : slug => ["pull_request", local.main] }
    apply = { for slug in keys(local.roots) : slug => ["environment:${slug}"] }
  }

  # The page of all roots is made of their statuses, in Banto's own repository.
  status = { for name in var.home[*] : "status" => {
    phase       = "status"
    slug        = "*"
    description = "GitHub Actions: the page of all roots"
    accounts    = []
    subjects    = [for subject in local.subjects[name] : "${subject}:${local.main}"]
  } }

  roles = merge(local.status, [
    for phase, occasions in local.occasions : {
      for slug, root in local.roots : "${phase}-${slug}" => {
        phase       = phase
        slug        = slug
        description = "GitHub Actions: ${phase} of the root ${slug}"
        accounts    = root.accounts
        subjects    = sort(flatten([for occasion in occasions[slug] : [for subject in local.subjects[root.repository] : "${subject}:${occasion}"]]))
      }
    }
  ]...)

  # A session that is assumed from a role's session ends within the hour (IAM user guide, "Role chaining"), so that a longer one of a
  # plan's role is of no use. An apply writes the state after its last change, which may be in that hour's last minute: the session that
  # writes it begins first and must not end before.
  session_seconds = { plan = 3600, apply = 7200, status = 3600 }
}

# No thumbprints: IAM verifies GitHub by its own library of root certificates (IAM API reference, CreateOpenIDConnectProvider).
resource "aws_iam_openid_connect_provider" "github" {
  for_each = toset(var.make_provider ? ["github"] : [])

  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "this" {
  #checkov:skip=CKV_AWS_393:The check knows no owner with an id behind it; infra/tests/test_pipeline.py tries each subject and strangers beside them
  for_each = local.roles

  path                 = "/banto/"
  name                 = "pipeline-${each.key}"
  description          = each.value.description
  max_session_duration = local.session_seconds[each.value.phase]
  permissions_boundary = aws_iam_policy.boundary[each.value.phase].arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = local.provider_arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      # StringEquals knows no wildcards, and tells capitals from small letters.
      Condition = { StringEquals = {
        "${local.issuer}:aud" = "sts.amazonaws.com"
        "${local.issuer}:sub" = each.value.subjects
      } }
    }]
  })

  # The provider's ARN is written, not read from it.
  depends_on = [aws_iam_openid_connect_provider.github]
}

resource "aws_iam_role_policy" "this" {
  for_each = local.roles

  role   = aws_iam_role.this[each.key].name
  name   = "root"
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements[each.key] })
}

# Whatever somebody else attaches or writes into a role goes with the next apply.
resource "aws_iam_role_policies_exclusive" "this" {
  for_each = local.roles

  role_name    = aws_iam_role.this[each.key].name
  policy_names = [aws_iam_role_policy.this[each.key].name]
}

resource "aws_iam_role_policy_attachments_exclusive" "this" {
  for_each = local.roles

  role_name   = aws_iam_role.this[each.key].name
  policy_arns = []
}
