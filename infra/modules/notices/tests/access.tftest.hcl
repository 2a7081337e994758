# Who may publish, who may read, and by what key.
variables {
  banto           = jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto
  organization_id = "o-exampleorgid"
}

run "functions_of_other_accounts_publish_and_nobody_else_does" {
  assert {
    condition     = toset(keys(aws_sns_topic.this)) == toset(["banto-compliance", "banto-operators", "banto-owners"])
    error_message = "topics are missing, or there are more than banto.toml names"
  }
  assert {
    condition = alltrue([
      for name, policy in aws_sns_topic_policy.this :
      jsonencode(jsondecode(policy.policy).Statement) == jsonencode([
        {
          Action    = "sns:Publish"
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
          Effect    = "Deny"
          Principal = "*"
          Resource  = aws_sns_topic.this[name].arn
          Sid       = "OnlyByTls"
        },
        {
          Action = "sns:Publish"
          Condition = {
            ArnEquals    = { "aws:PrincipalArn" = ["arn:aws:iam::111122223333:role/banto/rotate-access-keys", "arn:aws:iam::999988887777:role/banto/onboard-accounts"] }
            StringEquals = { "aws:PrincipalOrgID" = "o-exampleorgid" }
          }
          Effect    = "Allow"
          Principal = { AWS = ["arn:aws:iam::111122223333:root", "arn:aws:iam::999988887777:root"] }
          Resource  = aws_sns_topic.this[name].arn
          Sid       = "FunctionsOfOtherAccountsPublish"
        },
      ])
    ])
    error_message = "a topic's policy lets in others than the functions"
  }
}

run "functions_of_other_accounts_read_slacks_secrets_and_no_endpoints" {
  assert {
    condition     = toset(keys(aws_secretsmanager_secret_policy.this)) == toset(["banto/slack/operators", "banto/slack/owners", "banto/slack/token"])
    error_message = "a secret has a policy that it has no use for, or none"
  }
  assert {
    condition = alltrue([
      for name, policy in aws_secretsmanager_secret_policy.this :
      policy.block_public_policy &&
      jsonencode(jsondecode(policy.policy).Statement) == jsonencode([{
        Action = "secretsmanager:GetSecretValue"
        Condition = {
          ArnEquals    = { "aws:PrincipalArn" = ["arn:aws:iam::111122223333:role/banto/rotate-access-keys", "arn:aws:iam::999988887777:role/banto/onboard-accounts"] }
          StringEquals = { "aws:PrincipalOrgID" = "o-exampleorgid" }
        }
        Effect    = "Allow"
        Principal = { AWS = ["arn:aws:iam::111122223333:root", "arn:aws:iam::999988887777:root"] }
        Resource  = aws_secretsmanager_secret.this[name].arn
        Sid       = "FunctionsOfOtherAccountsRead"
      }])
    ])
    error_message = "a secret's policy lets in others than the functions"
  }
}

run "the_key_decrypts_for_functions_by_secrets_manager_alone" {
  assert {
    condition = jsonencode(jsondecode(aws_kms_key.this["secrets"].policy).Statement) == jsonencode([
      {
        Action    = "kms:*"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::444455556666:root" }
        Resource  = "*"
        Sid       = "ThisAccountsPoliciesCount"
      },
      {
        Action = "kms:Decrypt"
        Condition = {
          ArnEquals = { "aws:PrincipalArn" = ["arn:aws:iam::111122223333:role/banto/rotate-access-keys", "arn:aws:iam::999988887777:role/banto/onboard-accounts"] }
          StringEquals = {
            "aws:PrincipalOrgID" = "o-exampleorgid"
            "kms:ViaService"     = "secretsmanager.ap-northeast-1.amazonaws.com"
          }
        }
        Effect    = "Allow"
        Principal = { AWS = ["arn:aws:iam::111122223333:root", "arn:aws:iam::999988887777:root"] }
        Resource  = "*"
        Sid       = "FunctionsOfOtherAccountsDecryptSecrets"
      },
    ])
    error_message = "the key's policy lets in others than the functions, or by other ways"
  }
  assert {
    condition     = aws_kms_key.this["secrets"].enable_key_rotation && aws_kms_alias.this["secrets"].name == "alias/banto-secrets"
    error_message = "the key is not rotated, or has not the alias that the functions' policies name"
  }
  assert {
    condition     = alltrue([for secret in aws_secretsmanager_secret.this : secret.kms_key_id == aws_kms_key.this["secrets"].arn])
    error_message = "a secret is encrypted by another key"
  }
}

run "notify_compliance_of_another_account_reads_the_endpoints_and_it_alone" {
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      compliance = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.compliance, { queue = { account = "222233334444" } })
    })
  }
  assert {
    condition = jsondecode(aws_secretsmanager_secret_policy.this["banto/endpoints/pager"].policy).Statement[0].Condition.ArnEquals == {
      "aws:PrincipalArn" = "arn:aws:iam::222233334444:role/banto/notify-compliance"
    }
    error_message = "others than notify-compliance read the endpoints"
  }
  assert {
    condition     = contains(jsondecode(aws_secretsmanager_secret_policy.this["banto/slack/token"].policy).Statement[0].Condition.ArnEquals["aws:PrincipalArn"], "arn:aws:iam::222233334444:role/banto/notify-compliance")
    error_message = "notify-compliance can't read Slack's token"
  }
}

run "a_role_that_is_assumed_is_not_the_functions_own" {
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      rotation = { accounts = [{ role = { arn = "arn:aws:iam::111122223333:role/banto/rotate-access-keys" }, assume = true }] }
    })
    roles = ["arn:aws:iam::222233334444:role/banto/rotate-access-keys"]
  }
  assert {
    condition = jsondecode(aws_sns_topic_policy.this["banto-owners"].policy).Statement[1].Condition.ArnEquals["aws:PrincipalArn"] == [
      "arn:aws:iam::222233334444:role/banto/rotate-access-keys",
      "arn:aws:iam::999988887777:role/banto/onboard-accounts",
    ]
    error_message = "a role of an identity account publishes, or the function's own does not"
  }
}

run "where_all_functions_lie_in_this_account_nobody_else_is_let_in" {
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, { onboarding = null, rotation = null })
  }
  assert {
    condition     = length(aws_secretsmanager_secret_policy.this) == 0
    error_message = "a secret lets other accounts in"
  }
  assert {
    condition = alltrue([
      for policy in concat(values(aws_sns_topic_policy.this)[*].policy, [aws_kms_key.this["secrets"].policy]) :
      length(jsondecode(policy).Statement) == 1
    ])
    error_message = "a topic or the key lets other accounts in"
  }
}

run "secrets_elsewhere_are_refused" {
  command = plan
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      secrets = [{
        name    = "banto/slack/token"
        account = "444455556666"
        region  = "us-east-1"
        arn     = "arn:aws:secretsmanager:us-east-1:444455556666:secret:banto/slack/token"
      }]
    })
  }
  expect_failures = [var.banto]
}

run "a_secret_that_no_function_may_read_is_refused" {
  command = plan
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      secrets = [{
        name    = "slack/token"
        account = "444455556666"
        region  = "ap-northeast-1"
        arn     = "arn:aws:secretsmanager:ap-northeast-1:444455556666:secret:slack/token"
      }]
    })
  }
  expect_failures = [var.banto]
}

run "an_organization_that_is_none_is_refused" {
  command = plan
  variables {
    organization_id = "r-ab12"
  }
  expect_failures = [var.organization_id]
}

run "a_role_with_a_wildcard_is_refused" {
  command = plan
  variables {
    roles = ["arn:aws:iam::222233334444:role/banto/*"]
  }
  expect_failures = [var.roles]
}
