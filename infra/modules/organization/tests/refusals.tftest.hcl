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

run "an_identity_account_that_is_the_management_account_is_refused" {
  command = plan

  variables {
    banto = merge(
      jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto,
      { organization = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.organization, { management_account = "111122223333" }) },
    )
  }

  expect_failures = [var.banto]
}

run "a_policy_without_onboarding_is_refused" {
  command = plan

  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, { organization = null, onboarding = null })
  }

  expect_failures = [var.banto]
}

run "a_policy_without_regions_is_refused" {
  command = plan

  variables {
    banto = merge(
      jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto,
      { organization = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.organization, { regions = [] }) },
    )
  }

  expect_failures = [var.banto]
}

run "regions_without_the_home_region_are_refused" {
  command = plan

  variables {
    banto = merge(
      jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto,
      { organization = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.organization, { home_region = "eu-central-1" }) },
    )
  }

  expect_failures = [var.banto]
}

run "a_queue_in_a_region_without_rules_is_refused" {
  command = plan

  variables {
    banto = merge(
      jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto,
      { compliance = { queue = { account = "444455556666", region = "eu-central-1", arn = "arn:aws:sqs:eu-central-1:444455556666:banto-compliance" } } },
    )
  }

  expect_failures = [var.banto]
}

run "what_aws_or_the_policies_could_not_take_is_refused_in_the_plan" {
  command = plan

  variables {
    targets              = ["444455556666"]                                                                   # an account
    config_administrator = "log-archive"                                                                      # a name
    health_administrator = "identity"                                                                         # a name
    rules                = { s3-bucket-versioning-enabled = { identifier = "s3-bucket-versioning-enabled" } } # a rule's name
    deployment_roles     = ["arn:aws:iam::111122223333:role/terraform-*"]                                     # a pattern
    slack_provisioners   = ["arn:aws:iam::*:role/directory"]                                                  # a pattern
    recorder_roles       = ["arn:aws:iam::*:role/*"]                                                          # every role
    recorder_scp_targets = ["root"]                                                                           # no id
  }

  expect_failures = [
    var.targets,
    var.config_administrator,
    var.health_administrator,
    var.rules,
    var.deployment_roles,
    var.slack_provisioners,
    var.recorder_roles,
    var.recorder_scp_targets,
  ]
}

run "rules_without_the_recorders_that_the_stack_set_makes_are_refused" {
  command = plan

  variables {
    deploy_stack_sets = false
  }

  expect_failures = [var.deploy_rules]
}

run "rules_in_accounts_that_no_stack_reaches_are_refused" {
  command = plan

  variables {
    targets = ["ou-ab12-cdefghij"]
  }

  expect_failures = [var.deploy_rules]
}

run "accounts_that_are_no_accounts_are_not_excluded" {
  command = plan

  variables {
    excluded_accounts = ["payments"]
  }

  expect_failures = [var.excluded_accounts]
}

run "a_rule_with_a_name_that_is_too_long_is_refused" {
  command = plan

  variables {
    rules = { "a-rule-whose-name-is-longer-than-the-sixty-four-characters-of-aws" = { identifier = "S3_BUCKET_VERSIONING_ENABLED" } }
  }

  expect_failures = [var.rules]
}

run "a_policy_that_aws_would_find_too_long_is_refused_in_the_plan" {
  command = plan

  variables {
    recorder_roles = [for number in range(120) : "arn:aws:iam::*:role/account-factory-of-the-company-${number}"]
  }

  expect_failures = [aws_organizations_policy.this]
}

run "a_template_that_cloudformation_would_not_take_is_refused_in_the_plan" {
  command = plan

  variables {
    banto = merge(
      jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto,
      { onboarding = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.onboarding, {
        stack_set = { name = "banto-baseline", targets = ["r-ab12"], delegated = false, template = join("", [for number in range(1024) : format("%051d", number)]) }
      }) },
    )
  }

  expect_failures = [aws_cloudformation_stack_set.baseline]
}
