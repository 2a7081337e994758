run "in_a_region_of_its_own_both_of_health_are_forwarded_to_its_bus" {
  variables {
    alarm_mails = ["sre@example.com"]
    queue_arn   = "arn:aws:sqs:ap-northeast-1:123456789012:banto-rotation"
  }
  module {
    source = "./health"
  }
  assert {
    condition     = { for key, rule in aws_cloudwatch_event_rule.elsewhere : key => rule.region } == { "us-east-1" = "us-east-1", "us-west-2" = "us-west-2" }
    error_message = "AWS Health tells of IAM in us-east-1 and us-west-2"
  }
  assert {
    condition     = alltrue([for target in values(aws_cloudwatch_event_target.elsewhere) : target.arn == "arn:aws:events:ap-northeast-1:123456789012:event-bus/default" && target.role_arn == aws_iam_role.forward.arn])
    error_message = "events are forwarded elsewhere"
  }
  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.this.event_pattern) == {
      source = ["aws.health"]
      detail = { eventTypeCode = [{ prefix = "AWS_RISK_CREDENTIALS_" }, "AWS_RISK_IAM_QUARANTINE"] }
      } && alltrue([
        for rule in values(aws_cloudwatch_event_rule.elsewhere) : rule.event_pattern == aws_cloudwatch_event_rule.this.event_pattern
    ])
    error_message = "the rules are for other events than docs/OPERATIONS.md says"
  }
  assert {
    condition     = jsondecode(aws_iam_role.forward.assume_role_policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == values(aws_cloudwatch_event_rule.elsewhere)[*].arn
    error_message = "another rule may use the role"
  }
  assert {
    condition     = aws_cloudwatch_event_target.this.role_arn == null
    error_message = "the queue's own policy lets the rule in"
  }
  assert {
    condition = { for key, alarm in aws_cloudwatch_metric_alarm.events_lost : key => [alarm.region, alarm.metric_name, alarm.dimensions.RuleName, tolist(alarm.alarm_actions)[0]] } == {
      for region in ["us-east-1", "us-west-2"] : region => [region, "FailedInvocations", aws_cloudwatch_event_rule.elsewhere[region].name, module.topic[region].arn]
    }
    error_message = "nobody hears of an event that us-east-1 or us-west-2 could not forward"
  }
}

run "in_us_west_2_only_the_other_one_is_forwarded" {
  variables {
    alarm_mails = ["sre@example.com"]
    queue_arn   = "arn:aws:sqs:us-west-2:123456789012:banto-rotation"
  }
  module {
    source = "./health"
  }
  override_data {
    target = data.aws_region.this
    values = { region = "us-west-2" }
  }
  assert {
    condition     = keys(aws_cloudwatch_event_rule.elsewhere) == ["us-east-1"]
    error_message = "an event would be forwarded to the bus that it came from"
  }
}

run "to_another_accounts_queue_a_role_sends_which_the_queue_names" {
  variables {
    alarm_mails = ["sre@example.com"]
    queue_arn   = "arn:aws:sqs:ap-northeast-1:444455556666:banto-rotation"
    by_role     = true
  }
  module {
    source = "./health"
  }
  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.events_lost)) == toset(["ap-northeast-1", "us-east-1", "us-west-2"])
    error_message = "the function's alarms see no rule of another account"
  }
  assert {
    condition     = aws_cloudwatch_event_target.this.role_arn == aws_iam_role.requests["requests"].arn
    error_message = "EventBridge sends to another account's queue by a role only"
  }
  assert {
    # rotate-access-keys lets in the role of this name.
    condition     = "${aws_iam_role.requests["requests"].path}${aws_iam_role.requests["requests"].name}" == "/banto/banto-health-requests"
    error_message = "the queue's policy names another role"
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.requests["requests"].policy).Statement[0].Resource == var.queue_arn
    error_message = "the role may send elsewhere"
  }
}
