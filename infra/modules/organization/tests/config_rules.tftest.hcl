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

run "each_rule_of_the_default_set_is_in_the_catalogue" {
  command = plan

  assert {
    condition = toset(keys(local.default_rules)) == setintersection(
      toset(keys(local.default_rules)),
      toset(keys(jsondecode(file("../../../shared/domain/src/compliance/rules.json")).rules)),
    )
    error_message = "not in the catalogue: ${join(", ", setsubtract(toset(keys(local.default_rules)), toset(keys(local.catalogue))))}"
  }

  assert {
    condition     = length(local.default_rules) >= 25 && length(local.default_rules) <= 35
    error_message = "the default set has ${length(local.default_rules)} rules"
  }

  assert {
    condition     = output.rules["ap-northeast-1/root-account-mfa-enabled"] == "Root user has no MFA (critical)"
    error_message = "a rule is described as ${output.rules["ap-northeast-1/root-account-mfa-enabled"]}"
  }
}

run "rules_on_an_account_or_on_iam_are_made_at_home_only_and_all_others_everywhere" {
  command = plan

  assert {
    condition = alltrue([
      for name, rule in local.default_rules : contains(keys(output.rules), "us-east-1/${name}") == !contains([
        "access-keys-rotated",
        "cloud-trail-log-file-validation-enabled",
        "iam-policy-no-statements-with-admin-access",
        "iam-root-access-key-check",
        "iam-user-unused-credentials-check",
        "mfa-enabled-for-iam-console-access",
        "multi-region-cloudtrail-enabled",
        "root-account-mfa-enabled",
        "s3-account-level-public-access-blocks-periodic",
        "security-account-information-provided",
      ], name)
    ])
    error_message = "a rule is in the wrong regions"
  }

  assert {
    condition     = alltrue([for name, rule in local.default_rules : contains(keys(output.rules), "ap-northeast-1/${name}")])
    error_message = "a rule is not made in the home region"
  }

  assert {
    condition     = aws_config_organization_managed_rule.this["us-east-1/restricted-ssh"].region == "us-east-1"
    error_message = "a rule is made in another region than its key says"
  }
}

run "a_key_is_late_once_the_rotation_should_have_replaced_it" {
  command = plan

  assert {
    condition     = jsondecode(aws_config_organization_managed_rule.this["ap-northeast-1/access-keys-rotated"].input_parameters) == { maxAccessKeyAge = "134" }
    error_message = "the rule and the rotation differ"
  }
}

run "without_a_rotation_the_rule_has_its_own_days" {
  command = plan

  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, { rotation = { accounts = [], oldest_key_days = 0 } })
  }

  assert {
    condition     = aws_config_organization_managed_rule.this["ap-northeast-1/access-keys-rotated"].input_parameters == null
    error_message = "the rule has days of a rotation that there is not"
  }

  assert {
    condition     = keys(aws_organizations_policy.this) == ["recorders"]
    error_message = "a policy is made for an account that rotates nothing"
  }
}

run "the_management_account_is_left_out_until_it_has_a_recorder" {
  command = plan

  assert {
    condition     = alltrue([for rule in aws_config_organization_managed_rule.this : rule.excluded_accounts == toset(["999988887777"])])
    error_message = "the first apply fails in the management account"
  }
}

run "accounts_that_the_policy_leaves_alone_have_no_rules" {
  command = plan

  variables {
    excluded_accounts = ["999988887777"]
    banto             = merge(var.banto, { onboarding = merge(var.banto.onboarding, { left_alone = ["222233334444"] }) })
  }

  assert {
    condition     = alltrue([for rule in aws_config_organization_managed_rule.this : rule.excluded_accounts == toset(["222233334444", "999988887777"])])
    error_message = "a rule would fail in an account that has no recorder"
  }
}

run "a_company_adds_replaces_and_takes_out_rules" {
  command = plan

  variables {
    excluded_accounts = []
    rules = {
      s3-bucket-versioning-enabled = { identifier = "S3_BUCKET_VERSIONING_ENABLED", regions = ["us-east-1"] }
      restricted-ssh               = { identifier = "INCOMING_SSH_DISABLED", excluded_accounts = ["444455556666"] }
      tables-approved = {
        identifier       = "DYNAMODB_TABLE_ENCRYPTED_KMS"
        description      = "A table without the company's key"
        input_parameters = { kmsKeyArns = "arn:aws:kms:ap-northeast-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab" }
      }
      unknown-to-the-catalogue = { identifier = "DYNAMODB_PITR_ENABLED" }
      vpc-flow-logs-enabled    = null
    }
  }

  assert {
    condition     = contains(keys(output.rules), "us-east-1/s3-bucket-versioning-enabled") && !contains(keys(output.rules), "ap-northeast-1/s3-bucket-versioning-enabled")
    error_message = "a rule is not in its own regions"
  }

  assert {
    condition     = output.rules["us-east-1/s3-bucket-versioning-enabled"] == "S3 bucket versioning is off (low)"
    error_message = "a rule of the catalogue has no title"
  }

  assert {
    condition     = aws_config_organization_managed_rule.this["us-east-1/restricted-ssh"].excluded_accounts == toset(["444455556666"])
    error_message = "a rule of the default set was not replaced"
  }

  assert {
    condition     = output.rules["us-east-1/tables-approved"] == "A table without the company's key" && output.rules["us-east-1/unknown-to-the-catalogue"] == "unknown-to-the-catalogue"
    error_message = "a rule that the catalogue lacks is not told by what the company calls it"
  }

  assert {
    condition     = length([for key in keys(output.rules) : key if endswith(key, "/vpc-flow-logs-enabled")]) == 0
    error_message = "a rule that was taken out is made"
  }
}
