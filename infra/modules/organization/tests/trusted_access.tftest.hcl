variables {
  banto = jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto
}

override_data {
  target = data.aws_organizations_organization.this
  values = {
    id                            = "o-exampleorgid"
    roots                         = [{ arn = "arn:aws:organizations::999988887777:root/o-exampleorgid/r-ab12", id = "r-ab12", name = "Root", policy_types = [] }]
    aws_service_access_principals = []
    enabled_policy_types          = []
  }
}

run "what_a_person_turns_on_is_named_with_its_command" {
  command = plan

  assert {
    condition = toset(local.missing_commands) == toset([
      "aws organizations enable-aws-service-access --service-principal config.amazonaws.com",
      "aws organizations enable-aws-service-access --service-principal config-multiaccountsetup.amazonaws.com",
      "aws cloudformation activate-organizations-access",
    ])
    error_message = "the warning names other commands: ${join("; ", local.missing_commands)}"
  }

  assert {
    condition     = length(aws_organizations_aws_service_access.this) == 0
    error_message = "destroying the module would turn off what others use"
  }

  expect_failures = [check.trusted_access, check.service_control_policies]
}

run "what_the_module_turns_on_by_itself_is_not_asked_of_a_person" {
  command = plan

  variables {
    manage_trusted_access = true
  }

  assert {
    condition     = local.missing_commands == ["aws cloudformation activate-organizations-access"]
    error_message = "the warning names other commands: ${join("; ", local.missing_commands)}"
  }

  expect_failures = [check.trusted_access, check.service_control_policies]
}

run "trusted_access_that_is_managed_elsewhere_is_only_looked_at" {
  command = plan

  variables {
    manage_trusted_access = false
    health_administrator  = "111122223333"
  }

  assert {
    condition     = length(aws_organizations_aws_service_access.this) == 0
    error_message = "two resources manage one thing"
  }

  assert {
    condition = toset(local.missing_commands) == toset([
      "aws organizations enable-aws-service-access --service-principal config.amazonaws.com",
      "aws organizations enable-aws-service-access --service-principal config-multiaccountsetup.amazonaws.com",
      "aws cloudformation activate-organizations-access",
      "aws health enable-health-service-access-for-organization --region us-east-1",
    ])
    error_message = "a command is missing, or too many"
  }

  expect_failures = [check.trusted_access, check.service_control_policies]
}

run "the_account_of_notify_compliance_administers_aws_config" {
  command = plan

  override_data {
    target = data.aws_organizations_organization.this
    values = {
      id                            = "o-exampleorgid"
      roots                         = [{ arn = "arn:aws:organizations::999988887777:root/o-exampleorgid/r-ab12", id = "r-ab12", name = "Root", policy_types = [] }]
      aws_service_access_principals = ["config.amazonaws.com", "config-multiaccountsetup.amazonaws.com", "member.org.stacksets.cloudformation.amazonaws.com", "health.amazonaws.com"]
      enabled_policy_types          = ["SERVICE_CONTROL_POLICY"]
    }
  }

  variables {
    health_administrator = "111122223333"
  }

  assert {
    condition = { for service, administrator in aws_organizations_delegated_administrator.this : service => administrator.account_id } == {
      "config-multiaccountsetup.amazonaws.com" = "444455556666"
      "config.amazonaws.com"                   = "444455556666"
      "health.amazonaws.com"                   = "111122223333"
    }
    error_message = "another account administers"
  }
}

run "a_delegate_of_stack_sets_is_where_onboard_accounts_runs" {
  command = plan

  variables {
    banto = merge(
      jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto,
      { onboarding = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.onboarding, {
        queue     = { account = "444455556666" }
        stack_set = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.onboarding.stack_set, { delegated = true })
      }) },
    )
  }

  assert {
    condition     = aws_organizations_delegated_administrator.this["member.org.stacksets.cloudformation.amazonaws.com"].account_id == "444455556666"
    error_message = "the function could not act as a delegate"
  }

  expect_failures = [check.trusted_access, check.service_control_policies]
}

run "the_management_account_is_never_its_own_delegate" {
  command = plan

  variables {
    config_administrator = "999988887777"
  }

  assert {
    condition     = length(aws_organizations_delegated_administrator.this) == 0
    error_message = "AWS refuses the management account as a delegate"
  }

  expect_failures = [check.trusted_access, check.service_control_policies]
}
