variables {
  banto = {
    organization = { management_account = "999988887777" }
    rotation = {
      accounts = [{
        id                 = "111122223333"
        role               = { arn = "arn:aws:iam::111122223333:role/banto/rotate-access-keys" }
        assume             = false
        break_glass        = "arn:aws:iam::111122223333:role/emergency/break-glass"
        certificate_bucket = "banto-certificates-111122223333"
        certificate_prefix = "certs/"
      }]
      groups = ["access-keys"]
    }
    onboarding = { roles = {
      readonly       = { trusted = ["111122223333"] }
      admin          = { trusted = ["111122223333"] }
      terraform-plan = { trusted = ["999988887777"] }
    } }
  }
  account_id      = "111122223333"
  organization_id = "o-exampleorgid"
  users = {
    alice = { groups = ["developers"], access_key = true, slack = "U024BE7LH", tags = { team = "payments" } }
    bob   = { groups = ["developers"], path = "/people/" }
    robot = { machine = true, access_key = true }
  }
  groups = {
    developers = { roles = ["readonly"] }
    on-call    = { roles = ["admin", "readonly"], accounts = ["444455556666"] }
  }
  break_glass = { users = ["bob"] }
}

run "keys_are_for_whom_the_map_says" {
  command = plan

  assert {
    condition     = aws_iam_group_membership.this["access-keys"].users == toset(["alice", "robot"])
    error_message = "The group of the access keys has other members."
  }

  assert {
    condition = (
      aws_iam_group_membership.this["banto-users"].users == toset(["alice", "bob"])
      && aws_iam_group_membership.this["banto-machines"].users == toset(["robot"])
      && aws_iam_group_membership.this["developers"].users == toset(["alice", "bob"])
      && length(aws_iam_group_membership.this["on-call"].users) == 0
    )
    error_message = "A group has other members than the map says."
  }

  assert {
    condition     = jsonencode(aws_iam_user.this["alice"].tags) == jsonencode({ "banto:identity" = "managed", "banto:slack" = "U024BE7LH", team = "payments" }) && aws_iam_user.this["bob"].path == "/people/"
    error_message = "A user has other tags, or another path."
  }
}

run "people_sign_in_without_a_key_and_with_a_second_factor" {
  assert {
    condition = (
      aws_iam_group_policy_attachment.this["banto-users/sign-in"].policy_arn == "arn:aws:iam::aws:policy/SignInLocalDevelopmentAccess"
      && aws_iam_group_policy_attachment.this["banto-users/mfa"].policy_arn == aws_iam_policy.mfa.arn
      && aws_iam_group_policy_attachment.this["banto-users/users"].policy_arn == aws_iam_policy.users.arn
      && { for key, attachment in aws_iam_group_policy_attachment.this : key => attachment.policy_arn if attachment.group == "banto-machines" } == { "banto-machines/users" = aws_iam_policy.users.arn }
    )
    error_message = "A group has other policies."
  }

  # An absent key is no second factor, which is what IfExists is for. The last statement asks for it to be absent: only a request
  # by an access key has none.
  assert {
    condition = (
      [for statement in jsondecode(aws_iam_policy.mfa.policy).Statement : statement.Effect] == ["Deny", "Deny", "Deny", "Deny"]
      && alltrue([for statement in slice(jsondecode(aws_iam_policy.mfa.policy).Statement, 0, 3) : jsonencode(statement.Condition) == jsonencode({ BoolIfExists = { "aws:MultiFactorAuthPresent" = "false" } })])
      && jsonencode(jsondecode(aws_iam_policy.mfa.policy).Statement[3].Condition) == jsonencode({ Null = { "aws:MultiFactorAuthPresent" = "true" } })
    )
    error_message = "The second factor is not asked for."
  }

  # What is free of a second factor: signing in, the own password, the first device, and the objects that the other statements hold.
  assert {
    condition = jsondecode(aws_iam_policy.mfa.policy).Statement[0].NotAction == [
      "iam:ChangePassword",
      "iam:CreateVirtualMFADevice",
      "iam:EnableMFADevice",
      "iam:GetAccessKeyLastUsed",
      "iam:GetAccountPasswordPolicy",
      "iam:GetAccountSummary",
      "iam:GetLoginProfile",
      "iam:GetMFADevice",
      "iam:GetUser",
      "iam:ListAccessKeys",
      "iam:ListMFADevices",
      "iam:ListUserTags",
      "iam:ListVirtualMFADevices",
      "s3:GetObject",
      "s3:PutObject",
      "secretsmanager:GetSecretValue",
      "signin:AuthorizeOAuth2Access",
      "signin:CreateOAuth2Token",
      "sts:AssumeRole",
      "sts:GetCallerIdentity",
      "sts:GetSessionToken",
    ]
    error_message = "More or less is free of a second factor."
  }

  assert {
    condition = (
      jsondecode(aws_iam_policy.mfa.policy).Statement[1].NotResource == ["arn:aws:s3:::banto-certificates-111122223333/certs/$${aws:username}.asc", "arn:aws:s3:::banto-certificates-111122223333/certs/$${aws:username}.acknowledged"]
      && jsondecode(aws_iam_policy.mfa.policy).Statement[2].NotResource == "arn:aws:secretsmanager:ap-northeast-1:111122223333:secret:banto/access-keys/$${aws:username}-??????"
    )
    error_message = "Others' objects or secrets are free of a second factor."
  }
}

run "users_set_their_own_tags_with_a_second_factor_only" {
  assert {
    condition = (
      [for statement in jsondecode(aws_iam_policy.users.policy).Statement : statement.Sid] == ["OwnTagsWithMfa", "OwnCertificateAndAcknowledgement", "OwnRecord", "OwnPasswordAndDevices", "RolesOfGroups", "NewDevices", "WhatTheConsoleAsksFor"]
      && jsonencode(jsondecode(aws_iam_policy.users.policy).Statement[0]) == jsonencode({
        Sid      = "OwnTagsWithMfa"
        Effect   = "Allow"
        Action   = ["iam:TagUser", "iam:UntagUser"]
        Resource = ["arn:aws:iam::111122223333:user/$${aws:username}", "arn:aws:iam::111122223333:user/*/$${aws:username}"]
        Condition = {
          "ForAllValues:StringEquals" = { "aws:TagKeys" = ["banto:openpgp", "banto:acknowledged", "banto:slack"] }
          Null                        = { "aws:TagKeys" = "false" }
          Bool                        = { "aws:MultiFactorAuthPresent" = "true" }
        }
      })
    )
    error_message = "A user may set other tags, of others, or without a second factor."
  }

  # IAM takes 6,144 characters without white space (IAM user guide, "IAM and AWS STS quotas").
  assert {
    condition     = alltrue([for policy in [aws_iam_policy.users, aws_iam_policy.mfa] : length(policy.policy) < 6144])
    error_message = "A policy is longer than IAM takes."
  }
}

run "a_group_assumes_its_roles_by_the_members_own_names_in_the_organization" {
  assert {
    condition = jsonencode(jsondecode(aws_iam_group_policy.roles["developers"].policy).Statement) == jsonencode([{
      Sid       = "AssumeByTheOwnName"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Resource  = ["arn:aws:iam::*:role/readonly"]
      Condition = { StringEquals = { "aws:ResourceOrgID" = "o-exampleorgid", "sts:RoleSessionName" = "$${aws:username}" } }
    }])
    error_message = "developers may assume something else."
  }

  assert {
    condition     = jsondecode(aws_iam_group_policy.roles["on-call"].policy).Statement[0].Resource == ["arn:aws:iam::444455556666:role/admin", "arn:aws:iam::444455556666:role/readonly"]
    error_message = "on-call may assume something else."
  }
}

run "only_the_rotator_signs" {
  assert {
    condition = jsonencode([for statement in jsondecode(values(aws_kms_key.signing)[0].policy).Statement : statement if contains(flatten([statement.Action]), "kms:Sign")]) == jsonencode([{
      Sid       = "OnlyBantoSigns"
      Effect    = "Allow"
      Principal = { AWS = ["arn:aws:iam::111122223333:root"] }
      Action    = "kms:Sign"
      Resource  = "*"
      Condition = {
        ArnEquals    = { "aws:PrincipalArn" = ["arn:aws:iam::111122223333:role/banto/rotate-access-keys"] }
        StringEquals = { "kms:MessageType" = "DIGEST", "kms:SigningAlgorithm" = "ECDSA_SHA_256" }
      }
    }])
    error_message = "Somebody else may sign."
  }

  # A grant would be a way around the policy, and a wildcard would allow one.
  assert {
    condition     = !anytrue([for action in flatten([for statement in jsondecode(values(aws_kms_key.signing)[0].policy).Statement : statement.Action]) : strcontains(action, "*") || action == "kms:CreateGrant"])
    error_message = "The key's policy has a way around it."
  }

  assert {
    condition     = values(aws_kms_key.signing)[0].customer_master_key_spec == "ECC_NIST_P256" && values(aws_kms_key.signing)[0].key_usage == "SIGN_VERIFY" && output.signing_key == values(aws_kms_key.signing)[0].arn && output.signing_public_key != null
    error_message = "The key is none that signs records."
  }
}

run "administrators_are_those_who_are_named_and_the_root_user" {
  command = plan

  variables {
    key_administrators = ["arn:aws:iam::111122223333:role/banto/pipeline-apply"]
  }

  assert {
    condition     = jsondecode(values(aws_kms_key.signing)[0].policy).Statement[0].Condition.ArnLike["aws:PrincipalArn"] == ["arn:aws:iam::111122223333:role/banto/pipeline-apply", "arn:aws:iam::111122223333:root"]
    error_message = "Others administer the key, or nobody could if the role is gone."
  }
}

run "where_the_function_is_elsewhere_there_is_no_key" {
  command = plan

  variables {
    banto = {
      rotation = { accounts = [{
        id                 = "111122223333"
        role               = { arn = "arn:aws:iam::111122223333:role/banto/rotator" }
        assume             = true
        certificate_bucket = "banto-certificates-111122223333"
        certificate_prefix = "certs/"
      }] }
    }
    break_glass = null
  }

  assert {
    condition     = length(aws_kms_key.signing) == 0 && length(aws_iam_role.break_glass) == 0 && !contains(keys(aws_iam_group.this), "banto-break-glass")
    error_message = "There is a key that nobody uses, or a role that nobody asked for."
  }
}

run "the_bucket_keeps_versions_and_lets_users_write_their_own_objects" {
  variables {
    registry_roles = ["arn:aws:iam::111122223333:role/registry"]
  }

  assert {
    condition     = output.certificate_bucket == "banto-certificates-111122223333" && values(aws_s3_bucket_versioning.certificates)[0].versioning_configuration[0].status == "Enabled"
    error_message = "The bucket keeps no versions."
  }

  assert {
    condition = (
      [for statement in jsondecode(values(aws_s3_bucket_policy.certificates)[0].policy).Statement : statement.Effect] == ["Deny", "Deny", "Deny", "Deny"]
      && jsondecode(values(aws_s3_bucket_policy.certificates)[0].policy).Statement[0].NotResource == ["arn:aws:s3:::banto-certificates-111122223333/certs/$${aws:username}.asc", "arn:aws:s3:::banto-certificates-111122223333/certs/$${aws:username}.acknowledged"]
      && jsondecode(values(aws_s3_bucket_policy.certificates)[0].policy).Statement[1].Condition.ArnNotLike["aws:PrincipalArn"] == ["arn:aws:iam::*:user/*", "arn:aws:iam::111122223333:role/registry"]
      && jsondecode(values(aws_s3_bucket_policy.certificates)[0].policy).Statement[2].Action == ["s3:DeleteObjectVersion", "s3:ReplicateDelete", "s3:ReplicateObject"]
      && jsondecode(values(aws_s3_bucket_policy.certificates)[0].policy).Statement[3].Condition.Bool["aws:SecureTransport"] == "false"
    )
    error_message = "The bucket's policy is another one."
  }

  # Without the variable no version ever ends.
  assert {
    condition     = [for rule in values(aws_s3_bucket_lifecycle_configuration.certificates)[0].rule : rule.id] == ["uploads"]
    error_message = "Versions end, though nobody said so."
  }

  assert {
    condition = (
      values(aws_s3_bucket_public_access_block.certificates)[0].block_public_acls
      && values(aws_s3_bucket_public_access_block.certificates)[0].block_public_policy
      && values(aws_s3_bucket_public_access_block.certificates)[0].ignore_public_acls
      && values(aws_s3_bucket_public_access_block.certificates)[0].restrict_public_buckets
    )
    error_message = "The bucket may become public."
  }
}

run "versions_end_when_somebody_says_so_and_the_ten_latest_never" {
  command = plan

  variables {
    certificate_versions_days = 400
  }

  assert {
    condition = (
      values(aws_s3_bucket_lifecycle_configuration.certificates)[0].rule[1].noncurrent_version_expiration[0].noncurrent_days == 400
      && values(aws_s3_bucket_lifecycle_configuration.certificates)[0].rule[1].noncurrent_version_expiration[0].newer_noncurrent_versions == 10
    )
    error_message = "The function reads the ten latest versions."
  }
}

run "the_denial_of_sessions_is_the_one_that_the_function_attaches" {
  assert {
    condition     = "${aws_iam_policy.deny_temporary_credentials.path}${aws_iam_policy.deny_temporary_credentials.name}" == "/banto/deny-temporary-credentials"
    error_message = "The function looks for it by this path and name."
  }

  assert {
    condition = (
      jsonencode(jsondecode(aws_iam_policy.deny_temporary_credentials.policy).Statement) == jsonencode([{ Sid = "NoSession", Effect = "Deny", Action = "*", Resource = "*", Condition = { Null = { "aws:TokenIssueTime" = "false" } } }])
      && jsonencode(jsondecode(aws_iam_policy.left.policy).Statement) == jsonencode([{ Sid = "NothingAnyMore", Effect = "Deny", Action = "*", Resource = "*" }])
    )
    error_message = "A denial denies less, or more."
  }
}

run "break_glass_is_for_those_who_are_named_with_a_fresh_second_factor" {
  assert {
    condition = jsonencode(jsondecode(aws_iam_role.break_glass["break-glass"].assume_role_policy).Statement[0].Condition) == jsonencode({
      ArnEquals       = { "aws:PrincipalArn" = ["arn:aws:iam::111122223333:user/people/bob"] }
      Bool            = { "aws:MultiFactorAuthPresent" = "true" }
      NumericLessThan = { "aws:MultiFactorAuthAge" = "3600" }
      StringEquals    = { "sts:RoleSessionName" = "$${aws:username}" }
    })
    error_message = "Somebody else may break the glass, or without a second factor."
  }

  assert {
    condition = (
      aws_iam_role.break_glass["break-glass"].path == "/emergency/"
      && aws_iam_group_membership.this["banto-break-glass"].users == toset(["bob"])
      && jsondecode(aws_iam_group_policy.break_glass["break-glass"].policy).Statement[0].Resource == "arn:aws:iam::111122223333:role/emergency/break-glass"
    )
    error_message = "The role is not that of banto.toml, or bob may not assume it."
  }
}

# In a further identity account the function signs with that account's role, and with this key.
run "the_role_of_each_identity_account_signs_with_the_one_key" {
  variables {
    banto = {
      rotation = {
        accounts = [
          for id in ["111122223333", "444455556666"] : {
            id                 = id
            role               = { arn = "arn:aws:iam::${id}:role/banto/rotate-access-keys" }
            assume             = id != "111122223333"
            break_glass        = "arn:aws:iam::${id}:role/emergency/break-glass"
            certificate_bucket = "banto-certificates-${id}"
            certificate_prefix = ""
          }
        ]
        groups = ["access-keys"]
      }
      onboarding = { roles = { readonly = { trusted = ["111122223333"] }, admin = { trusted = ["111122223333"] } } }
    }
  }

  assert {
    condition = jsonencode([
      for statement in jsondecode(values(aws_kms_key.signing)[0].policy).Statement : [statement.Principal, statement.Condition.ArnEquals] if statement.Action == "kms:Sign"
      ]) == jsonencode([[
        { AWS = ["arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:root"] },
        { "aws:PrincipalArn" = ["arn:aws:iam::111122223333:role/banto/rotate-access-keys", "arn:aws:iam::444455556666:role/banto/rotate-access-keys"] },
    ]])
    error_message = "A role of [[rotation.accounts]] can't sign, or somebody else can."
  }
}
