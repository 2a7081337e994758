variables {
  mails = ["sre@example.com", "alice@example.com"]
}

run "alarms_of_this_account_and_nobody_else_publish" {
  assert {
    condition = jsondecode(aws_sns_topic_policy.this.policy).Statement[0] == {
      Sid       = "AlarmsOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.this.arn
      Condition = { StringEquals = { "aws:SourceAccount" = "123456789012" } }
    }
    error_message = "the topic's policy is ${aws_sns_topic_policy.this.policy}"
  }
  assert {
    condition     = length([for statement in jsondecode(aws_sns_topic_policy.this.policy).Statement : statement if statement.Effect == "Allow"]) == 1
    error_message = "somebody else may publish"
  }
}

run "each_address_has_a_subscription_of_its_own" {
  assert {
    condition     = toset(keys(aws_sns_topic_subscription.this)) == toset(["sre@example.com", "alice@example.com"])
    error_message = "taking one address out would touch another one's subscription"
  }
}

run "a_topic_without_anybody_is_refused" {
  command = plan
  variables {
    mails = []
  }
  expect_failures = [var.mails]
}

run "what_is_no_address_is_refused" {
  command = plan
  variables {
    mails = ["sre"]
  }
  expect_failures = [var.mails]
}

run "a_key_that_alarms_cannot_use_is_refused" {
  command = plan
  variables {
    kms_key = "alias/aws/sns"
  }
  expect_failures = [var.kms_key]
}

run "a_name_that_sns_does_not_take_is_refused" {
  command = plan
  variables {
    name = "banto alarms"
  }
  expect_failures = [var.name]
}
