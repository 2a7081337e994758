variables {
  banto           = jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto
  organization_id = "o-exampleorgid"
  accounts        = ["111122223333"]
  readers         = ["arn:aws:iam::444455556666:role/banto/report-compliance"]
}

run "aws_config_encrypts_and_readers_decrypt_by_a_key_of_the_modules_own" {
  variables {
    make_kms_key = true
  }

  assert {
    condition = jsonencode([for statement in jsondecode(aws_kms_key.this["key"].policy).Statement : merge(statement, { Action = sort(flatten([statement.Action])), Principal = keys(statement.Principal) }) if statement.Sid != "TheAccountsPoliciesDecide"]) == jsonencode([
      {
        Sid       = "ConfigEncryptsWhatItDelivers"
        Effect    = "Allow"
        Principal = ["Service"]
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceOrgID" = "o-exampleorgid" } }
      },
      {
        Sid       = "ReadersDecryptWhatTheyReadInS3"
        Effect    = "Allow"
        Principal = ["AWS"]
        Action    = ["kms:Decrypt"]
        Resource  = "*"
        Condition = {
          ArnLike      = { "aws:PrincipalArn" = "arn:aws:iam::444455556666:role/banto/report-compliance" }
          StringEquals = { "aws:PrincipalOrgID" = "o-exampleorgid", "kms:ViaService" = "s3.ap-northeast-1.amazonaws.com" }
        }
      },
    ])
    error_message = "the key's policy says something else: ${aws_kms_key.this["key"].policy}"
  }
  assert {
    condition     = strcontains(aws_kms_key.this["key"].policy, "config.amazonaws.com") && aws_kms_key.this["key"].enable_key_rotation
    error_message = "the key is not AWS Config's, or stays the same for ever"
  }
  assert {
    condition = (
      one(aws_s3_bucket_server_side_encryption_configuration.this["bucket"].rule).apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms" &&
      one(aws_s3_bucket_server_side_encryption_configuration.this["bucket"].rule).apply_server_side_encryption_by_default[0].kms_master_key_id == aws_kms_key.this["key"].arn &&
      one(aws_s3_bucket_server_side_encryption_configuration.this["bucket"].rule).bucket_key_enabled
    )
    error_message = "the bucket is encrypted otherwise"
  }
  assert {
    condition     = output.kms_key == aws_kms_key.this["key"].arn
    error_message = "the key is not handed on"
  }
}

run "a_key_that_banto_toml_names_encrypts_and_none_is_made" {
  command = plan

  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      log_archive = { bucket = "org-config", kms_key = "arn:aws:kms:ap-northeast-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab" }
    })
  }

  assert {
    condition     = length(aws_kms_key.this) == 0 && output.kms_key == "arn:aws:kms:ap-northeast-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    error_message = "a second key"
  }
  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this["bucket"].rule).apply_server_side_encryption_by_default[0].kms_master_key_id == "arn:aws:kms:ap-northeast-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    error_message = "the bucket is encrypted by another key"
  }
  assert {
    condition     = contains(jsondecode(output.key_policy).Statement[*].Sid, "ConfigEncryptsWhatItDelivers")
    error_message = "it is not said what the key's policy must allow"
  }
}
