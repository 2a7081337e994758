variables {
  banto           = jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto
  organization_id = "o-exampleorgid"
  accounts        = ["111122223333", "444455556666", "999988887777"]
  readers         = ["arn:aws:iam::444455556666:role/banto/report-compliance"]
}

run "aws_config_delivers_for_the_organization_readers_read_and_nobody_does_anything_else" {
  assert {
    # The provider puts lists into an order of its own.
    condition = jsonencode([for statement in jsondecode(aws_s3_bucket_policy.this["bucket"].policy).Statement : merge(statement, { Resource = sort(flatten([statement.Resource])) })]) == jsonencode([
      {
        Sid       = "NothingWithoutTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = ["arn:aws:s3:::banto-log-archive-444455556666", "arn:aws:s3:::banto-log-archive-444455556666/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "ConfigChecksTheBucketsPermissions"
        Effect    = "Allow"
        Principal = { Service = "config.amazonaws.com" }
        Action    = "s3:GetBucketAcl"
        Resource  = ["arn:aws:s3:::banto-log-archive-444455556666"]
        Condition = { StringEquals = { "aws:SourceOrgID" = "o-exampleorgid" } }
      },
      {
        Sid       = "ConfigChecksThatTheBucketIsThere"
        Effect    = "Allow"
        Principal = { Service = "config.amazonaws.com" }
        Action    = "s3:ListBucket"
        Resource  = ["arn:aws:s3:::banto-log-archive-444455556666"]
        Condition = { StringEquals = { "aws:SourceOrgID" = "o-exampleorgid" } }
      },
      {
        Sid       = "ConfigDelivers"
        Effect    = "Allow"
        Principal = { Service = "config.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = ["arn:aws:s3:::banto-log-archive-444455556666/o-exampleorgid/AWSLogs/*/Config/*"]
        Condition = { StringEquals = { "aws:SourceOrgID" = "o-exampleorgid", "s3:x-amz-acl" = "bucket-owner-full-control" } }
      },
      {
        Sid       = "ReadersList"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::444455556666:root" }
        Action    = "s3:ListBucket"
        Resource  = ["arn:aws:s3:::banto-log-archive-444455556666"]
        Condition = {
          ArnLike      = { "aws:PrincipalArn" = "arn:aws:iam::444455556666:role/banto/report-compliance" }
          StringEquals = { "aws:PrincipalOrgID" = "o-exampleorgid" }
        }
      },
      {
        Sid       = "ReadersRead"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::444455556666:root" }
        Action    = "s3:GetObject"
        Resource  = ["arn:aws:s3:::banto-log-archive-444455556666/o-exampleorgid/AWSLogs/*"]
        Condition = {
          ArnLike      = { "aws:PrincipalArn" = "arn:aws:iam::444455556666:role/banto/report-compliance" }
          StringEquals = { "aws:PrincipalOrgID" = "o-exampleorgid" }
        }
      },
    ])
    error_message = "the archive's policy says something else: ${aws_s3_bucket_policy.this["bucket"].policy}"
  }
}

run "a_second_plan_changes_no_policy" {
  command = plan

  assert {
    condition     = aws_s3_bucket_policy.this["bucket"].policy == run.aws_config_delivers_for_the_organization_readers_read_and_nobody_does_anything_else.bucket_policy
    error_message = "the policy is another one: ${aws_s3_bucket_policy.this["bucket"].policy}"
  }
}

run "the_archive_is_private_keeps_versions_and_is_the_bucket_of_banto_toml" {
  command = plan

  assert {
    condition     = aws_s3_bucket.this["bucket"].bucket == "banto-log-archive-444455556666" && output.bucket == "banto-log-archive-444455556666"
    error_message = "another bucket"
  }
  assert {
    condition     = aws_s3_bucket_versioning.this["bucket"].versioning_configuration[0].status == "Enabled"
    error_message = "the archive keeps no versions"
  }
  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this["bucket"].block_public_acls, aws_s3_bucket_public_access_block.this["bucket"].block_public_policy,
      aws_s3_bucket_public_access_block.this["bucket"].ignore_public_acls, aws_s3_bucket_public_access_block.this["bucket"].restrict_public_buckets,
    ])
    error_message = "the archive may be public"
  }
  assert {
    condition     = aws_s3_bucket_ownership_controls.this["bucket"].rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "what AWS Config writes for another account would be its own"
  }
  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this["bucket"].rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
    error_message = "the archive is encrypted otherwise"
  }
  assert {
    condition     = length(aws_kms_key.this) + length(aws_s3_bucket_logging.this) == 0 && output.kms_key == null
    error_message = "a key or an access log that nobody asked for"
  }
}

run "nothing_expires_by_itself_but_versions_and_uploads" {
  command = plan

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this["bucket"].rule : rule.id] == ["uploads", "versions", "cheaper"]
    error_message = "other rules"
  }
  assert {
    condition     = alltrue([for rule in aws_s3_bucket_lifecycle_configuration.this["bucket"].rule : length(rule.expiration) == 0])
    error_message = "an object expires"
  }
  assert {
    condition     = one([for rule in aws_s3_bucket_lifecycle_configuration.this["bucket"].rule : rule.noncurrent_version_expiration[0].noncurrent_days if rule.id == "versions"]) == 90
    error_message = "versions stay for another time"
  }
  assert {
    # A report reads two months, and may be made weeks later.
    condition     = one(one([for rule in aws_s3_bucket_lifecycle_configuration.this["bucket"].rule : rule.transition if rule.id == "cheaper"])).days == 100
    error_message = "objects move while the report reads them"
  }
}

run "what_expires_is_aws_configs_alone" {
  command = plan

  variables {
    transition  = null
    expire_days = 730
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this["bucket"].rule : [rule.filter[0].prefix, rule.expiration[0].days] if rule.id == "expire"] == [["o-exampleorgid/AWSLogs/", 730]]
    error_message = "something else expires"
  }
  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this["bucket"].rule : rule.id] == ["uploads", "versions", "expire"]
    error_message = "other rules"
  }
}

run "without_a_prefix_aws_config_delivers_at_the_top" {
  command = plan

  variables {
    banto   = { log_archive = { bucket = "org-config" } }
    readers = []
  }

  assert {
    condition     = one([for statement in jsondecode(output.bucket_policy).Statement : statement.Resource if statement.Sid == "ConfigDelivers"]) == "arn:aws:s3:::org-config/AWSLogs/*/Config/*"
    error_message = "AWS Config delivers elsewhere: ${output.bucket_policy}"
  }
  assert {
    condition     = [for statement in jsondecode(output.bucket_policy).Statement : statement.Sid if startswith(statement.Sid, "Readers")] == []
    error_message = "somebody reads: ${output.bucket_policy}"
  }
}

run "control_towers_bucket_is_left_as_it_is" {
  variables {
    existing = true
  }

  assert {
    condition = length(concat(
      values(aws_s3_bucket.this), values(aws_s3_bucket_versioning.this), values(aws_s3_bucket_lifecycle_configuration.this),
      values(aws_s3_bucket_policy.this), values(aws_s3_bucket_public_access_block.this), values(aws_s3_bucket_ownership_controls.this),
      values(aws_s3_bucket_server_side_encryption_configuration.this), values(aws_kms_key.this),
    )) == 0
    error_message = "something of the bucket is touched"
  }
  assert {
    condition     = output.bucket == "banto-log-archive-444455556666" && contains(jsondecode(output.bucket_policy).Statement[*].Sid, "ConfigDelivers")
    error_message = "it is not said what the bucket's policy must allow"
  }
  assert {
    condition     = length(aws_glue_catalog_table.tables) == 3 && length(aws_glue_catalog_table.views) == 5 && length(aws_athena_workgroup.this) == 1
    error_message = "Athena can't read the bucket"
  }
}

run "an_access_log_where_the_caller_has_a_bucket_for_it" {
  command = plan

  variables {
    access_logs = { bucket = "access-logs", prefix = "archive/" }
  }

  assert {
    condition     = aws_s3_bucket_logging.this["access_logs"].target_bucket == "access-logs" && aws_s3_bucket_logging.this["access_logs"].target_prefix == "archive/"
    error_message = "the access log goes elsewhere"
  }
}
