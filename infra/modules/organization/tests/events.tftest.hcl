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

run "events_of_organizations_reach_the_home_region" {
  command = plan

  assert {
    condition     = aws_cloudwatch_event_rule.forward["organizations"].region == "us-east-1" && jsondecode(aws_cloudwatch_event_rule.forward["organizations"].event_pattern) == { source = ["aws.organizations"] }
    error_message = "Organizations' events are waited for elsewhere"
  }

  assert {
    condition     = aws_cloudwatch_event_target.forward["organizations"].region == "us-east-1" && aws_cloudwatch_event_target.forward["organizations"].arn == "arn:aws:events:ap-northeast-1:999988887777:event-bus/default"
    error_message = "Organizations' events go elsewhere"
  }
}

run "compliance_changes_of_the_management_account_meet_in_the_queues_region" {
  command = plan

  assert {
    condition = { for key, target in aws_cloudwatch_event_target.forward : key => target.arn if key != "organizations" } == {
      "compliance/ap-northeast-1" = "arn:aws:sqs:ap-northeast-1:444455556666:banto-compliance"
      "compliance/us-east-1"      = "arn:aws:events:ap-northeast-1:999988887777:event-bus/default"
    }
    error_message = "a region's changes go elsewhere"
  }

  assert {
    condition     = one(aws_cloudwatch_event_target.forward["compliance/ap-northeast-1"].sqs_target).message_group_id == "999988887777" && length(aws_cloudwatch_event_target.forward["compliance/us-east-1"].sqs_target) == 0
    error_message = "the account is not a group of its own in the queue"
  }

  assert {
    condition     = alltrue([for key, rule in aws_cloudwatch_event_rule.forward : key == "organizations" || key == "compliance/${rule.region}"])
    error_message = "a rule is in another region than its key says"
  }
}

# The rules and roles of other accounts are infra/stacksets/event-forwarding.json's.
run "the_management_account_forwards_as_the_stacks_of_other_accounts_do" {
  command = plan

  assert {
    condition     = aws_cloudwatch_event_rule.forward["compliance/us-east-1"].name == jsondecode(file("../../stacksets/event-forwarding.json")).Resources.Rule.Properties.Name
    error_message = "the rule has another name"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.forward["compliance/us-east-1"].event_pattern) == jsondecode(file("../../stacksets/event-forwarding.json")).Resources.Rule.Properties.EventPattern
    error_message = "the rule waits for other events"
  }

  assert {
    condition = alltrue([
      for region in ["ap-northeast-1", "us-east-1"] :
      "${aws_iam_role.forward["compliance/${region}"].path}${aws_iam_role.forward["compliance/${region}"].name}" == replace(
        "${jsondecode(file("../../stacksets/event-forwarding.json")).Resources.Role.Properties.Path}${jsondecode(file("../../stacksets/event-forwarding.json")).Resources.Role.Properties.RoleName["Fn::Sub"]}",
        "$${AWS::Region}",
        region,
      )
    ])
    error_message = "the queue's policy would not know the role"
  }
}

run "each_role_sends_to_its_one_target_for_its_one_rule" {
  command = plan

  assert {
    condition = {
      for key, policy in aws_iam_role_policy.forward : key => [for statement in jsondecode(policy.policy).Statement : "${statement.Action} ${statement.Resource}"][0]
      } == {
      "compliance/ap-northeast-1" = "sqs:SendMessage arn:aws:sqs:ap-northeast-1:444455556666:banto-compliance"
      "compliance/us-east-1"      = "events:PutEvents arn:aws:events:ap-northeast-1:999988887777:event-bus/default"
      organizations               = "events:PutEvents arn:aws:events:ap-northeast-1:999988887777:event-bus/default"
    }
    error_message = "a role may do more, or less"
  }

  assert {
    condition = {
      for key, role in aws_iam_role.forward : key => one(jsondecode(role.assume_role_policy).Statement).Condition.ArnEquals["aws:SourceArn"]
      } == {
      "compliance/ap-northeast-1" = "arn:aws:events:ap-northeast-1:999988887777:rule/banto-compliance"
      "compliance/us-east-1"      = "arn:aws:events:us-east-1:999988887777:rule/banto-compliance"
      organizations               = "arn:aws:events:us-east-1:999988887777:rule/banto-organizations"
    }
    error_message = "another rule may use a role"
  }
}

run "where_home_is_us_east_1_organizations_events_are_there_already" {
  command = plan

  variables {
    banto = merge(
      jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto,
      { organization = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.organization, { home_region = "us-east-1" }) },
    )
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_event_rule.forward)) == toset(["compliance/ap-northeast-1", "compliance/us-east-1"])
    error_message = "Organizations' events would come twice"
  }
}
