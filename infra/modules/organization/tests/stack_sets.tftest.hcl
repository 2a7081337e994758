variables {
  banto = jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto
}

override_data {
  target = data.aws_organizations_organization.this
  values = {
    id                            = "o-exampleorgid"
    roots                         = [{ arn = "arn:aws:organizations::999988887777:root/o-exampleorgid/r-ef34", id = "r-ef34", name = "Root", policy_types = [] }]
    aws_service_access_principals = ["config.amazonaws.com", "config-multiaccountsetup.amazonaws.com", "member.org.stacksets.cloudformation.amazonaws.com"]
    enabled_policy_types          = ["SERVICE_CONTROL_POLICY"]
  }
}

run "forwarding_waits_for_the_baseline_in_a_new_account" {
  command = apply

  assert {
    condition     = one(aws_cloudformation_stack_set.event_forwarding["banto-event-forwarding"].auto_deployment[0].depends_on_stack_sets) == aws_cloudformation_stack_set.baseline["banto-baseline"].arn
    error_message = "the forwarding does not wait"
  }

  assert {
    condition     = aws_cloudformation_stack_set.event_forwarding["banto-event-forwarding"].parameters == tomap({ HomeRegion = "ap-northeast-1", QueueArn = "arn:aws:sqs:ap-northeast-1:444455556666:banto-compliance" })
    error_message = "the forwarding leads elsewhere"
  }
}

run "both_are_looked_after_by_the_service_and_reach_accounts_to_come" {
  command = plan

  assert {
    condition = alltrue([
      for stack_set in concat(values(aws_cloudformation_stack_set.baseline), values(aws_cloudformation_stack_set.event_forwarding)) :
      stack_set.permission_model == "SERVICE_MANAGED" && stack_set.auto_deployment[0].enabled && stack_set.managed_execution[0].active
    ])
    error_message = "a StackSet is not automatic"
  }

  assert {
    condition     = aws_cloudformation_stack_set.baseline["banto-baseline"].template_body == var.banto.onboarding.stack_set.template
    error_message = "the baseline is not what banto config export rendered"
  }
}

# CloudFormation would be asked in each apply to take off what the template declares and Terraform does not give.
run "every_parameter_that_the_baseline_declares_is_given_as_its_template_has_it" {
  command = plan

  assert {
    condition = aws_cloudformation_stack_set.baseline["banto-baseline"].parameters == tomap({
      for name, parameter in jsondecode(var.banto.onboarding.stack_set.template).Parameters : name => parameter.Default
    })
    error_message = "the parameters differ from the template's"
  }
}

run "a_baseline_that_fails_in_some_accounts_goes_on_and_a_forwarding_that_fails_does_not" {
  command = plan

  assert {
    condition = alltrue([
      for resource in concat(values(aws_cloudformation_stack_set.baseline), values(aws_cloudformation_stack_set_instance.baseline)) :
      resource.operation_preferences[0].failure_tolerance_percentage == 100
    ])
    error_message = "an account with a recorder of its own would keep the others from theirs"
  }

  assert {
    condition = alltrue([
      for resource in concat(values(aws_cloudformation_stack_set.event_forwarding), values(aws_cloudformation_stack_set_instance.event_forwarding)) :
      resource.operation_preferences[0].failure_tolerance_percentage == 10
    ])
    error_message = "nobody would hear that no event is forwarded"
  }
}

run "on_the_first_day_no_stack_set_rule_or_forwarding_is_made_and_all_else_is" {
  command = plan

  variables {
    deploy_stack_sets = false
    deploy_rules      = false
  }

  assert {
    condition     = length(aws_cloudformation_stack_set.baseline) + length(aws_cloudformation_stack_set_instance.baseline) + length(aws_cloudformation_stack_set.event_forwarding) + length(aws_cloudformation_stack_set_instance.event_forwarding) == 0
    error_message = "a stack would deliver to a bucket that is not there"
  }

  assert {
    condition     = length(aws_config_organization_managed_rule.this) == 0
    error_message = "a rule would fail in accounts without a recorder"
  }

  assert {
    condition     = keys(aws_cloudwatch_event_rule.forward) == ["organizations"]
    error_message = "events are forwarded to a queue that is not there"
  }

  assert {
    condition     = toset(keys(aws_organizations_delegated_administrator.this)) == toset(["config.amazonaws.com", "config-multiaccountsetup.amazonaws.com"])
    error_message = "the log archive account could not make its aggregator"
  }

  assert {
    condition     = toset(keys(aws_organizations_policy_attachment.this)) == toset(["access-keys/111122223333", "pins/111122223333", "recorders/r-ab12"])
    error_message = "a service control policy waits for the stacks"
  }
}

run "stack_sets_come_before_rules" {
  command = plan

  variables {
    deploy_rules = false
  }

  assert {
    condition     = length(aws_config_organization_managed_rule.this) == 0 && length(aws_cloudformation_stack_set_instance.baseline) == 2
    error_message = "the two can't be turned on one after the other"
  }
}

run "an_account_that_leaves_keeps_its_recorder_and_loses_the_forwarding" {
  command = plan

  assert {
    condition     = aws_cloudformation_stack_set.baseline["banto-baseline"].auto_deployment[0].retain_stacks_on_account_removal && alltrue([for instance in aws_cloudformation_stack_set_instance.baseline : instance.retain_stack])
    error_message = "recorders would be deleted"
  }

  assert {
    condition     = !aws_cloudformation_stack_set.event_forwarding["banto-event-forwarding"].auto_deployment[0].retain_stacks_on_account_removal
    error_message = "a forwarding that leads nowhere would be kept"
  }
}

run "each_target_and_region_has_an_instance_of_its_own" {
  command = plan

  variables {
    targets           = ["ou-ab12-cdefghij", "ou-ab12-klmnopqr"]
    excluded_accounts = ["999988887777", "555566667777"]
  }

  assert {
    condition = keys(aws_cloudformation_stack_set_instance.baseline) == [
      "ou-ab12-cdefghij/ap-northeast-1",
      "ou-ab12-cdefghij/us-east-1",
      "ou-ab12-klmnopqr/ap-northeast-1",
      "ou-ab12-klmnopqr/us-east-1",
    ]
    error_message = "another target would touch the first one's instances"
  }

  assert {
    condition     = toset(keys(aws_organizations_policy_attachment.this)) == toset(["access-keys/111122223333", "pins/111122223333", "recorders/ou-ab12-cdefghij", "recorders/ou-ab12-klmnopqr"])
    error_message = "the policy of recorders is not where the stacks are"
  }
}

run "the_direct_way_has_no_baseline_and_forwards_for_the_whole_organization" {
  command = plan

  variables {
    banto = merge(
      jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto,
      { onboarding = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.onboarding, { way = "direct", stack_set = null }) },
    )
  }

  assert {
    condition     = length(aws_cloudformation_stack_set.baseline) == 0 && length(aws_cloudformation_stack_set_instance.baseline) == 0
    error_message = "a baseline is made that the policy does not ask for"
  }

  assert {
    condition     = keys(aws_cloudformation_stack_set_instance.event_forwarding) == ["r-ef34/ap-northeast-1", "r-ef34/us-east-1"]
    error_message = "the forwarding does not reach the whole Organization"
  }

  assert {
    condition     = aws_organizations_policy_attachment.this["recorders/r-ef34"].target_id == "r-ef34"
    error_message = "the policy of recorders is not on the root"
  }
}

run "without_notify_compliance_nothing_is_forwarded" {
  command = plan

  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, { compliance = null })
  }

  assert {
    condition     = length(aws_cloudformation_stack_set.event_forwarding) == 0 && keys(aws_cloudwatch_event_rule.forward) == ["organizations"]
    error_message = "events are forwarded to a queue that is not there"
  }

  assert {
    condition     = length(aws_organizations_delegated_administrator.this) == 0
    error_message = "AWS Config is delegated to nobody knows whom"
  }
}
