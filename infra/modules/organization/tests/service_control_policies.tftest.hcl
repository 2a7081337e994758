variables {
  banto = jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto
}

override_data {
  target = data.aws_organizations_organization.this
  values = {
    id                            = "o-exampleorgid"
    roots                         = [{ arn = "arn:aws:organizations::999988887777:root/o-exampleorgid/r-ab12", id = "r-ab12", name = "Root", policy_types = [] }]
    aws_service_access_principals = ["config.amazonaws.com", "config-multiaccountsetup.amazonaws.com", "member.org.stacksets.cloudformation.amazonaws.com"]
    enabled_policy_types          = ["SERVICE_CONTROL_POLICY"]
  }
}

run "only_the_rotator_makes_keys_and_only_break_glass_besides_it_ends_them" {
  command = plan

  assert {
    condition = jsondecode(aws_organizations_policy.this["access-keys/111122223333"].content) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid       = "OnlyTheRotatorMakesKeys"
          Effect    = "Deny"
          Action    = "iam:CreateAccessKey"
          Resource  = "*"
          Condition = { ArnNotLike = { "aws:PrincipalArn" = "arn:aws:iam::111122223333:role/banto/rotate-access-keys" } }
        },
        {
          Sid      = "OnlyTheRotatorAndBreakGlassEndKeys"
          Effect   = "Deny"
          Action   = ["iam:DeleteAccessKey", "iam:UpdateAccessKey"]
          Resource = "*"
          Condition = { ArnNotLike = { "aws:PrincipalArn" = [
            "arn:aws:iam::111122223333:role/banto/rotate-access-keys",
            "arn:aws:iam::111122223333:role/break-glass",
          ] } }
        },
        {
          Sid    = "NobodyMakesOtherCredentials"
          Effect = "Deny"
          Action = [
            "iam:CreateServiceSpecificCredential",
            "iam:ResetServiceSpecificCredential",
            "iam:UploadSSHPublicKey",
            "iam:UploadSigningCertificate",
          ]
          Resource = "*"
        },
        {
          Sid    = "NobodyElseBecomesOneOfTheseRoles"
          Effect = "Deny"
          Action = [
            "iam:AttachRolePolicy",
            "iam:CreateRole",
            "iam:DeleteRole",
            "iam:DeleteRolePermissionsBoundary",
            "iam:DeleteRolePolicy",
            "iam:DetachRolePolicy",
            "iam:PassRole",
            "iam:PutRolePermissionsBoundary",
            "iam:PutRolePolicy",
            "iam:UpdateAssumeRolePolicy",
          ]
          Resource = [
            "arn:aws:iam::111122223333:role/OrganizationAccountAccessRole",
            "arn:aws:iam::111122223333:role/banto/rotate-access-keys",
            "arn:aws:iam::111122223333:role/break-glass",
          ]
          Condition = { ArnNotLike = { "aws:PrincipalArn" = [
            "arn:aws:iam::111122223333:role/OrganizationAccountAccessRole",
            "arn:aws:iam::*:role/stacksets-exec-*",
          ] } }
        },
        {
          Sid      = "NobodyPosesAsStackSets"
          Effect   = "Deny"
          Action   = ["iam:CreateRole", "iam:UpdateAssumeRolePolicy"]
          Resource = "arn:aws:iam::*:role/stacksets-exec-*"
        },
        {
          Sid    = "OnlyTheDeploymentChangesTheRotatorsCode"
          Effect = "Deny"
          Action = ["lambda:AddPermission", "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration"]
          Resource = [
            "arn:aws:lambda:*:111122223333:function:banto-rotate-access-keys",
            "arn:aws:lambda:*:111122223333:function:banto-rotate-access-keys:*",
          ]
          Condition = { ArnNotLike = { "aws:PrincipalArn" = [
            "arn:aws:iam::111122223333:role/OrganizationAccountAccessRole",
          ] } }
        },
        {
          Sid    = "OnlyTheRotatorAndBreakGlassKeepRecords"
          Effect = "Deny"
          Action = [
            "secretsmanager:CreateSecret",
            "secretsmanager:DeleteResourcePolicy",
            "secretsmanager:DeleteSecret",
            "secretsmanager:PutResourcePolicy",
          ]
          Resource = "arn:aws:secretsmanager:*:*:secret:banto/access-keys/*"
          Condition = { ArnNotLike = { "aws:PrincipalArn" = [
            "arn:aws:iam::111122223333:role/banto/rotate-access-keys",
            "arn:aws:iam::111122223333:role/break-glass",
          ] } }
        },
      ]
    }
    error_message = "the policy of access keys has other statements"
  }
}

run "pins_and_slack_ids_are_set_by_their_user_with_mfa_and_by_nobody_else" {
  command = plan

  assert {
    condition = jsondecode(aws_organizations_policy.this["pins/111122223333"].content) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid         = "OnlyUsersSetTheirOwnPins"
          Effect      = "Deny"
          Action      = ["iam:CreateUser", "iam:TagUser", "iam:UntagUser"]
          NotResource = ["arn:aws:iam::*:user/$${aws:username, '-'}", "arn:aws:iam::*:user/*/$${aws:username, '-'}"]
          Condition   = { "ForAnyValue:StringEqualsIgnoreCase" = { "aws:TagKeys" = ["banto:openpgp", "banto:acknowledged"] } }
        },
        {
          Sid         = "OnlyUsersAndProvisionersSetSlackIds"
          Effect      = "Deny"
          Action      = ["iam:CreateUser", "iam:TagUser", "iam:UntagUser"]
          NotResource = ["arn:aws:iam::*:user/$${aws:username, '-'}", "arn:aws:iam::*:user/*/$${aws:username, '-'}"]
          Condition = {
            ArnNotLike                           = { "aws:PrincipalArn" = ["arn:aws:iam::111122223333:role/OrganizationAccountAccessRole"] }
            "ForAnyValue:StringEqualsIgnoreCase" = { "aws:TagKeys" = "banto:slack" }
          }
        },
        {
          Sid      = "OnlyTheDeploymentSaysWhoHasLeft"
          Effect   = "Deny"
          Action   = ["iam:CreateUser", "iam:TagUser", "iam:UntagUser"]
          Resource = "*"
          Condition = {
            ArnNotLike                           = { "aws:PrincipalArn" = ["arn:aws:iam::111122223333:role/OrganizationAccountAccessRole"] }
            "ForAnyValue:StringEqualsIgnoreCase" = { "aws:TagKeys" = "banto:identity" }
          }
        },
        {
          Sid      = "UsersSetTheirTagsWithMfaOnly"
          Effect   = "Deny"
          Action   = ["iam:CreateUser", "iam:TagUser", "iam:UntagUser"]
          Resource = "*"
          Condition = {
            "ForAnyValue:StringEqualsIgnoreCase" = { "aws:TagKeys" = ["banto:openpgp", "banto:acknowledged", "banto:slack"] }
            ArnLike                              = { "aws:PrincipalArn" = "arn:aws:iam::*:user/*" }
            BoolIfExists                         = { "aws:MultiFactorAuthPresent" = "false" }
          }
        },
        {
          Sid      = "NoFirstMfaDeviceByAnAccessKey"
          Effect   = "Deny"
          Action   = ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice"]
          Resource = "*"
          Condition = {
            ArnLike = { "aws:PrincipalArn" = "arn:aws:iam::*:user/*" }
            Null    = { "aws:MultiFactorAuthPresent" = "true" }
          }
        },
        {
          Sid      = "NoMfaDeviceGoesWithoutMfa"
          Effect   = "Deny"
          Action   = ["iam:DeactivateMFADevice", "iam:ResyncMFADevice"]
          Resource = "*"
          Condition = {
            ArnLike      = { "aws:PrincipalArn" = "arn:aws:iam::*:user/*" }
            BoolIfExists = { "aws:MultiFactorAuthPresent" = "false" }
          }
        },
        {
          Sid    = "TheCertificateBucketKeepsItsVersions"
          Effect = "Deny"
          Action = [
            "s3:DeleteBucket",
            "s3:DeleteBucketPolicy",
            "s3:DeleteObjectVersion",
            "s3:PutBucketPolicy",
            "s3:PutBucketVersioning",
            "s3:PutLifecycleConfiguration",
          ]
          Resource  = ["arn:aws:s3:::banto-certificates-111122223333", "arn:aws:s3:::banto-certificates-111122223333/*"]
          Condition = { ArnNotLike = { "aws:PrincipalArn" = ["arn:aws:iam::111122223333:role/OrganizationAccountAccessRole"] } }
        },
      ]
    }
    error_message = "the policy of pins has other statements"
  }
}

run "a_provisioner_sets_slack_ids_and_no_pins" {
  command = plan

  variables {
    slack_provisioners = ["arn:aws:iam::111122223333:role/directory"]
  }

  assert {
    condition = [
      for statement in jsondecode(aws_organizations_policy.this["pins/111122223333"].content).Statement : statement.Sid
      if contains(flatten([try(statement.Condition.ArnNotLike["aws:PrincipalArn"], [])]), "arn:aws:iam::111122223333:role/directory")
    ] == ["OnlyUsersAndProvisionersSetSlackIds"]
    error_message = "a provisioner is let off another statement, or not off its own"
  }

  assert {
    condition = [
      for statement in jsondecode(aws_organizations_policy.this["access-keys/111122223333"].content).Statement : statement.Sid
      if contains(flatten([statement.Resource]), "arn:aws:iam::111122223333:role/directory")
    ] == ["NobodyElseBecomesOneOfTheseRoles"]
    error_message = "whoever makes the provisioner's role sets Slack ids"
  }
}

run "people_without_mfa_register_no_first_device_where_a_role_does_it_for_them" {
  command = plan

  variables {
    self_registered_mfa = false
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_organizations_policy.this["pins/111122223333"].content).Statement : statement
      if contains(flatten([statement.Action]), "iam:EnableMFADevice")
      ]) == {
      Sid      = "NoFirstMfaDeviceWithoutMfa"
      Effect   = "Deny"
      Action   = ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice"]
      Resource = "*"
      Condition = {
        ArnLike      = { "aws:PrincipalArn" = "arn:aws:iam::*:user/*" }
        BoolIfExists = { "aws:MultiFactorAuthPresent" = "false" }
      }
    }
    error_message = "a console session without MFA registers a device"
  }
}

run "the_pipelines_role_deploys_beside_the_role_of_the_first_day" {
  command = plan

  variables {
    deployment_roles = ["arn:aws:iam::111122223333:role/terraform-apply", "arn:aws:iam::222233334444:role/terraform-apply"]
  }

  assert {
    condition = toset(flatten([
      for statement in concat(
        jsondecode(aws_organizations_policy.this["pins/111122223333"].content).Statement,
        jsondecode(aws_organizations_policy.this["access-keys/111122223333"].content).Statement,
      ) : statement.Condition.ArnNotLike["aws:PrincipalArn"]
      if contains(["TheCertificateBucketKeepsItsVersions", "OnlyTheDeploymentSaysWhoHasLeft", "OnlyTheDeploymentChangesTheRotatorsCode", "OnlyUsersAndProvisionersSetSlackIds"], statement.Sid)
    ])) == toset(["arn:aws:iam::111122223333:role/OrganizationAccountAccessRole", "arn:aws:iam::111122223333:role/terraform-apply"])
    error_message = "another role may change the bucket or the function, or one of the two may not"
  }
}

# Whoever may say who assumes a role that is let off a denial is let off it, too.
run "every_role_that_is_let_off_a_denial_is_changed_by_the_deployment_only" {
  command = plan

  variables {
    deployment_roles   = ["arn:aws:iam::111122223333:role/terraform-apply"]
    slack_provisioners = ["arn:aws:iam::111122223333:role/directory"]
  }

  assert {
    condition = length(setsubtract(
      toset(flatten([
        for statement in concat(
          jsondecode(aws_organizations_policy.this["pins/111122223333"].content).Statement,
          jsondecode(aws_organizations_policy.this["access-keys/111122223333"].content).Statement,
        ) : try(statement.Condition.ArnNotLike["aws:PrincipalArn"], [])
      ])),
      toset(flatten([
        for statement in jsondecode(aws_organizations_policy.this["access-keys/111122223333"].content).Statement : statement.Resource
        if length(setsubtract(toset(["iam:CreateRole", "iam:UpdateAssumeRolePolicy"]), toset(flatten([statement.Action])))) == 0
      ])),
    )) == 0
    error_message = "a role that is let off may be taken over"
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_organizations_policy.this["access-keys/111122223333"].content).Statement : statement
      if statement.Sid == "NobodyElseBecomesOneOfTheseRoles"
      ]).Condition.ArnNotLike["aws:PrincipalArn"] == [
      "arn:aws:iam::111122223333:role/OrganizationAccountAccessRole",
      "arn:aws:iam::111122223333:role/terraform-apply",
      "arn:aws:iam::*:role/stacksets-exec-*",
    ]
    error_message = "the baseline could not make the pipeline's role, or others could"
  }
}

run "the_function_whose_code_is_held_is_the_one_that_is_made" {
  command = plan

  assert {
    condition     = can(regex("\\n  name +\\= \"${local.rotator_function}\"\\n", file("../rotate-access-keys/main.tf")))
    error_message = "the rotator's function has another name than ${local.rotator_function}"
  }
}

run "a_company_may_keep_its_other_credentials" {
  command = plan

  variables {
    deny_other_credentials = false
  }

  assert {
    condition     = !strcontains(output.service_control_policies["banto-access-keys-111122223333"].content, "ServiceSpecificCredential")
    error_message = "the credentials are denied nonetheless"
  }
}

run "recorders_go_on_in_every_member_account" {
  command = plan

  assert {
    condition = jsondecode(aws_organizations_policy.this["recorders"].content) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "RecordersAndChannelsGoOn"
          Effect = "Deny"
          Action = [
            "config:AssociateResourceTypes",
            "config:DeleteConfigurationRecorder",
            "config:DeleteDeliveryChannel",
            "config:DeleteRetentionConfiguration",
            "config:DeleteServiceLinkedConfigurationRecorder",
            "config:DisassociateResourceTypes",
            "config:PutConfigurationRecorder",
            "config:PutDeliveryChannel",
            "config:PutRetentionConfiguration",
            "config:StopConfigurationRecorder",
          ]
          Resource = "*"
          Condition = { ArnNotLike = { "aws:PrincipalArn" = [
            "arn:aws:iam::*:role/OrganizationAccountAccessRole",
            "arn:aws:iam::*:role/stacksets-exec-*",
          ] } }
        },
        {
          Sid       = "NobodyElseBecomesTheReachRole"
          Effect    = "Deny"
          Action    = ["iam:DeleteRole", "iam:UpdateAssumeRolePolicy"]
          Resource  = "arn:aws:iam::*:role/OrganizationAccountAccessRole"
          Condition = { ArnNotLike = { "aws:PrincipalArn" = "arn:aws:iam::*:role/OrganizationAccountAccessRole" } }
        },
        {
          Sid      = "NobodyPosesAsStackSets"
          Effect   = "Deny"
          Action   = ["iam:CreateRole", "iam:UpdateAssumeRolePolicy"]
          Resource = "arn:aws:iam::*:role/stacksets-exec-*"
        },
        {
          Sid    = "ForwardingGoesOn"
          Effect = "Deny"
          Action = [
            "events:DeleteRule",
            "events:DisableRule",
            "events:PutRule",
            "events:PutTargets",
            "events:RemoveTargets",
            "iam:AttachRolePolicy",
            "iam:CreateRole",
            "iam:DeleteRole",
            "iam:DeleteRolePolicy",
            "iam:DetachRolePolicy",
            "iam:PutRolePermissionsBoundary",
            "iam:PutRolePolicy",
            "iam:UpdateAssumeRolePolicy",
          ]
          Resource = ["arn:aws:events:*:*:rule/banto-compliance", "arn:aws:iam::*:role/banto/banto-forward-*"]
          Condition = { ArnNotLike = { "aws:PrincipalArn" = [
            "arn:aws:iam::*:role/OrganizationAccountAccessRole",
            "arn:aws:iam::*:role/stacksets-exec-*",
          ] } }
        },
      ]
    }
    error_message = "the policy of recorders has other statements"
  }

  assert {
    condition     = aws_organizations_policy_attachment.this["recorders/r-ab12"].target_id == "r-ab12"
    error_message = "the policy of recorders is not where the stacks are"
  }
}

run "control_tower_may_look_after_its_own_recorders" {
  command = plan

  variables {
    banto = merge(
      jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto,
      { organization = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.organization, { control_tower = true }) },
    )
  }

  assert {
    condition = contains(
      jsondecode(aws_organizations_policy.this["recorders"].content).Statement[0].Condition.ArnNotLike["aws:PrincipalArn"],
      "arn:aws:iam::*:role/AWSControlTowerExecution",
    )
    error_message = "Control Tower could not set its landing zone up"
  }
}

run "each_policy_is_where_it_belongs_and_short_enough" {
  command = plan

  assert {
    condition = { for name, policy in output.service_control_policies : name => one(policy.targets) } == {
      banto-access-keys-111122223333 = "111122223333"
      banto-pins-111122223333        = "111122223333"
      banto-recorders                = "r-ab12"
    }
    error_message = "a policy is attached elsewhere"
  }

  # A third of the older quota of 5,120 is left, so that a company's own roles find room: some twenty of them.
  assert {
    condition     = alltrue([for policy in output.service_control_policies : length(policy.content) < 3413])
    error_message = "a policy has grown: ${join(", ", [for name, policy in output.service_control_policies : "${name} has ${length(policy.content)}"])}"
  }
}

# The older quota is five for each target (Organizations user guide, "Quotas"). FullAWSAccess is one, another is the company's.
run "an_identity_account_has_three_policies_at_the_most" {
  command = plan

  variables {
    recorder_scp_targets = ["111122223333"]
  }

  assert {
    condition = length([
      for policy in output.service_control_policies : policy if contains(policy.targets, "111122223333")
    ]) == 3
    error_message = "the account has other policies than access-keys, pins and recorders"
  }
}

run "recorders_are_left_alone_where_no_target_is_named" {
  command = plan

  variables {
    recorder_scp_targets = []
  }

  assert {
    condition     = toset(keys(aws_organizations_policy.this)) == toset(["access-keys/111122223333", "pins/111122223333"])
    error_message = "a policy without a target is made"
  }
}

run "another_identity_account_leaves_the_first_ones_policies_as_they_are" {
  command = plan

  variables {
    banto = merge(
      jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto,
      { rotation = { oldest_key_days = 134, accounts = concat(
        [{
          id                 = "222233334444"
          role               = { arn = "arn:aws:iam::222233334444:role/banto/rotate-access-keys" }
          break_glass        = null
          certificate_bucket = "banto-certificates-222233334444"
        }],
        jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.rotation.accounts,
      ) } },
    )
  }

  assert {
    condition     = output.service_control_policies["banto-access-keys-111122223333"] == run.each_policy_is_where_it_belongs_and_short_enough.service_control_policies["banto-access-keys-111122223333"]
    error_message = "the first account's policy changed"
  }

  assert {
    condition     = !strcontains(output.service_control_policies["banto-access-keys-222233334444"].content, "111122223333")
    error_message = "the second account lets the first one's roles in"
  }
}

run "nothing_is_denied_before_the_rotator_works" {
  command = plan

  variables {
    deploy_policies = false
  }

  assert {
    condition     = length(aws_organizations_policy_attachment.this) == 0 && length(aws_organizations_policy.this) > 0
    error_message = "nobody could make or end a key between this apply and the rotator's first run"
  }
}
