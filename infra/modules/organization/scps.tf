locals {
  # Everything that an SCP holds is held for the account's root user, too, and never for service-linked roles
  # or the management account (Organizations user guide, "Service control policies (SCPs)").

  # An account has two policies of its own, so that another identity account changes nothing here.
  identity_accounts = { for account in var.banto.rotation.accounts : account.id => account }

  # IAM user guide, "IAM policy elements: Variables and tags", "Specifying default values": a session of a role
  # has no aws:username, and '-' stands in for it. So no session of a role matches a user, unless somebody
  # names a user "-". In user/*/alice the slash stands before the name: alice is not malice.
  identity_policies = merge([
    for id, account in local.identity_accounts : {
      "access-keys/${id}" = {
        name        = "banto-access-keys-${id}"
        description = "Only Banto makes, ends and hands out access keys"
        target      = id
        content = templatefile("${path.module}/policies/access-keys.json.tftpl", {
          rotator                 = account.role.arn
          rotator_and_break_glass = compact([account.role.arn, account.break_glass])
          excepted_roles          = local.excepted_roles[id]
          deployment_roles        = local.deployment_roles[id]
          stack_sets_role         = local.stack_sets_role
          function                = "arn:aws:lambda:*:${id}:function:${local.rotator_function}"
          deny_other_credentials  = var.deny_other_credentials
        })
      }
      "pins/${id}" = {
        name        = "banto-pins-${id}"
        description = "Only users with MFA say which certificate is theirs"
        target      = id
        content = templatefile("${path.module}/policies/pins.json.tftpl", {
          certificate_bucket = account.certificate_bucket
          deployment_roles   = local.deployment_roles[id]
          slack_provisioners = sort(distinct(concat(local.deployment_roles[id], tolist(var.slack_provisioners))))
          # aws:MultiFactorAuthPresent is absent for an access key, and false for a console session without MFA (IAM
          # user guide, "AWS global condition context keys"). What GetSessionToken gives without MFA can't call IAM
          # (STS API reference, GetSessionToken).
          self_registered_mfa = var.self_registered_mfa
        })
      }
    }
  ]...)

  # The management account's administrators come as reach_role, by which the first apply is done, before any
  # pipeline's role is there. They could take the SCP off anyway. A role of another account is no use here: an SCP
  # holds its own account's principals.
  deployment_roles = {
    for id, account in local.identity_accounts : id => sort(distinct(concat(
      ["arn:aws:iam::${id}:role/${var.banto.onboarding.reach_role}"],
      [for arn in var.deployment_roles : arn if split(":", arn)[4] == id],
    )))
  }

  # Whoever could make one of these roles, or say who assumes it, would be let off what it is let off.
  excepted_roles = {
    for id, account in local.identity_accounts : id => sort(distinct(concat(
      compact([account.role.arn, account.break_glass]),
      local.deployment_roles[id],
      [for arn in var.slack_provisioners : arn if split(":", arn)[4] == id],
    )))
  }

  # The name that the module rotate-access-keys gives its function.
  rotator_function = "banto-rotate-access-keys"

  # StackSets' execution role, which makes the baseline's roles, and forwarding. It is made by a service-linked
  # role, which no SCP holds (AWS managed policy reference, CloudFormationStackSetsOrgMemberServiceRolePolicy).
  stack_sets_role = "arn:aws:iam::*:role/stacksets-exec-*"

  reach_role           = "arn:aws:iam::*:role/${var.banto.onboarding.reach_role}"
  recorder_scp_targets = var.recorder_scp_targets == null ? local.targets : var.recorder_scp_targets

  recorder_policies = length(local.recorder_scp_targets) == 0 ? {} : {
    recorders = {
      name        = "banto-recorders"
      description = "AWS Config's recorders and delivery channels go on"
      target      = null
      content = templatefile("${path.module}/policies/recorders.json.tftpl", {
        reach_role      = local.reach_role
        stack_sets_role = local.stack_sets_role
        recorder_roles = concat(
          [local.reach_role, local.stack_sets_role], # onboard-accounts, and StackSets
          var.banto.organization.control_tower ? ["arn:aws:iam::*:role/AWSControlTowerExecution"] : [],
          sort(tolist(var.recorder_roles)),
        )
      })
    }
  }

  # Without white space, which counts (Organizations user guide, "SCP syntax").
  policies = {
    for key, policy in merge(local.identity_policies, local.recorder_policies) : key => merge(policy, {
      content = jsonencode(jsondecode(policy.content))
    })
  }

  # One target takes ten of them since then, and took five before. An identity account has FullAWSAccess, two of
  # these, and a third where it is itself named in recorder_scp_targets: four, within the lower one.
  attachments = merge(
    { for key, policy in local.identity_policies : key => { policy = key, target = policy.target } },
    { for target in local.recorder_scp_targets : "recorders/${target}" => { policy = "recorders", target = target } },
  )

  # Organizations user guide, "Quotas for AWS Organizations": 5,120 until 15 May 2026, 10,240 since. The lower
  # one holds everywhere, and these policies need little more than half of it.
  longest_policy = 5120
}

resource "aws_organizations_policy" "this" {
  for_each = local.policies

  name        = each.value.name
  description = each.value.description
  type        = "SERVICE_CONTROL_POLICY"
  content     = each.value.content

  lifecycle {
    precondition {
      condition     = length(each.value.content) <= local.longest_policy
      error_message = "The service control policy ${each.value.name} has ${length(each.value.content)} characters, more than ${local.longest_policy}. Name fewer roles in deployment_roles, slack_provisioners or recorder_roles."
    }
  }
}

resource "aws_organizations_policy_attachment" "this" {
  for_each = var.deploy_policies ? local.attachments : {}

  policy_id = aws_organizations_policy.this[each.value.policy].id
  target_id = each.value.target
}
