variables {
  banto           = jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto
  alarm_topics    = ["arn:aws:sns:ap-northeast-1:123456789012:banto-alarms"]
  organization_id = "o-exampleorgid"
  athena_results  = { bucket = "banto-athena-444455556666" }

  package_s3 = {
    bucket = "example-packages"
    key    = "report-compliance.zip"
    sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  }
}

run "only_onboard_accounts_of_the_management_account_writes_from_elsewhere_and_only_the_dashboards_data" {
  assert {
    # The provider puts lists into an order of its own.
    condition = jsonencode([for statement in jsondecode(aws_s3_bucket_policy.store.policy).Statement : merge(statement, { Resource = sort(flatten([statement.Resource])) })]) == jsonencode([
      {
        Sid       = "NothingWithoutTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = ["arn:aws:s3:::banto-reports-444455556666", "arn:aws:s3:::banto-reports-444455556666/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "OnboardAccountsPublishesTheDashboardsData"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::999988887777:root" }
        Action    = "s3:PutObject"
        Resource  = ["arn:aws:s3:::banto-reports-444455556666/accounts.json"]
        Condition = {
          ArnEquals    = { "aws:PrincipalArn" = "arn:aws:iam::999988887777:role/banto/onboard-accounts" }
          StringEquals = { "aws:PrincipalOrgID" = "o-exampleorgid" }
        }
      },
    ])
    error_message = "the store's policy says something else: ${aws_s3_bucket_policy.store.policy}"
  }
}

run "the_store_is_private_keeps_versions_and_is_the_bucket_of_banto_toml" {
  assert {
    condition     = aws_s3_bucket.store.bucket == "banto-reports-444455556666" && output.store_bucket == aws_s3_bucket.store.id
    error_message = "another bucket"
  }
  assert {
    condition     = aws_s3_bucket_versioning.store.versioning_configuration[0].status == "Enabled"
    error_message = "the store keeps no versions"
  }
  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.store.block_public_acls, aws_s3_bucket_public_access_block.store.block_public_policy,
      aws_s3_bucket_public_access_block.store.ignore_public_acls, aws_s3_bucket_public_access_block.store.restrict_public_buckets,
    ])
    error_message = "the store may be public"
  }
  assert {
    condition     = aws_s3_bucket_ownership_controls.store.rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "what another account writes would be its own"
  }
  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.store.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
    error_message = "the store is encrypted otherwise"
  }
  assert {
    condition     = length(aws_s3_bucket_logging.store) == 0
    error_message = "an access log that nobody asked for"
  }
}

run "a_dashboard_in_another_bucket_gives_nobody_a_right_here" {
  command = apply

  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      onboarding = { dashboard = { bucket = "another", key = "accounts.json" } }
    })
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.store.policy).Statement[*].Sid == ["NothingWithoutTls"]
    error_message = "somebody may write: ${aws_s3_bucket_policy.store.policy}"
  }
  assert {
    condition = (
      one([for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "BeToldWhatTheStoreAndTheStatusesLack"]) == ["arn:aws:s3:::banto-reports-444455556666", "arn:aws:s3:::another"] &&
      one([for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "ReadTheStatusOfAccounts"]) == "arn:aws:s3:::another/accounts.json"
    )
    error_message = "the function can't read the statuses: ${output.policy}"
  }
}

run "onboard_accounts_of_a_delegated_administrator_publishes_instead" {
  variables {
    publisher = "arn:aws:iam::111122223333:role/banto/onboard-accounts"
  }

  assert {
    condition = (
      strcontains(aws_s3_bucket_policy.store.policy, "arn:aws:iam::111122223333:root") &&
      strcontains(aws_s3_bucket_policy.store.policy, "arn:aws:iam::111122223333:role/banto/onboard-accounts") &&
      !strcontains(aws_s3_bucket_policy.store.policy, "999988887777")
    )
    error_message = "the management account may still write: ${aws_s3_bucket_policy.store.policy}"
  }
}

run "readers_of_the_organization_and_distributions_see_the_dashboard_alone" {
  variables {
    readers = [
      "arn:aws:iam::444455556666:role/auditor",
      "arn:aws:iam::111122223333:user/alice",
    ]
    distributions = ["arn:aws:cloudfront::444455556666:distribution/E2EXAMPLE"]
    access_logs   = { bucket = "access-logs", prefix = "reports/" }
  }

  assert {
    condition = jsonencode([
      for statement in jsondecode(aws_s3_bucket_policy.store.policy).Statement : [
        statement.Action, statement.Resource,
        sort(flatten(values(statement.Principal))),
        sort(flatten([for operator in values(statement.Condition) : values(operator)])),
      ] if contains(["ReadersSeeTheDashboard", "DistributionsServeTheDashboard"], statement.Sid)
      ]) == jsonencode([
      [
        "s3:GetObject", "arn:aws:s3:::banto-reports-444455556666/compliance/dashboard/*",
        ["arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:root"],
        ["arn:aws:iam::111122223333:user/alice", "arn:aws:iam::444455556666:role/auditor", "o-exampleorgid"],
      ],
      [
        "s3:GetObject", "arn:aws:s3:::banto-reports-444455556666/compliance/dashboard/*",
        ["cloudfront.amazonaws.com"],
        ["arn:aws:cloudfront::444455556666:distribution/E2EXAMPLE"],
      ],
    ])
    error_message = "readers see something else: ${aws_s3_bucket_policy.store.policy}"
  }
  assert {
    condition     = aws_s3_bucket_logging.store["access_logs"].target_bucket == "access-logs" && aws_s3_bucket_logging.store["access_logs"].target_prefix == "reports/"
    error_message = "no access log"
  }
}

run "the_order_of_readers_changes_nothing" {
  command = plan

  variables {
    readers = [
      "arn:aws:iam::111122223333:user/alice",
      "arn:aws:iam::444455556666:role/auditor",
    ]
    distributions = ["arn:aws:cloudfront::444455556666:distribution/E2EXAMPLE"]
    access_logs   = { bucket = "access-logs", prefix = "reports/" }
  }

  assert {
    condition     = aws_s3_bucket_policy.store.policy == run.readers_of_the_organization_and_distributions_see_the_dashboard_alone.store_policy
    error_message = "the policy changed: ${aws_s3_bucket_policy.store.policy}"
  }
}
