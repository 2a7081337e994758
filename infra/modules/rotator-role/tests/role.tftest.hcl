variables {
  banto          = jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto
  account        = "111122223333"
  function_role  = "arn:aws:iam::444455556666:role/banto/rotate-access-keys"
  requests_queue = "arn:aws:sqs:ap-northeast-1:444455556666:banto-rotation"
  alarm_mails    = ["sre@example.com"]
}

run "only_the_functions_role_assumes_the_role_that_banto_toml_names" {
  assert {
    condition = jsondecode(aws_iam_role.this.assume_role_policy).Statement == [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = "arn:aws:iam::444455556666:root" }
      Condition = { ArnEquals = { "aws:PrincipalArn" = "arn:aws:iam::444455556666:role/banto/rotate-access-keys" } }
    }]
    error_message = "the trust policy is ${aws_iam_role.this.assume_role_policy}"
  }
  assert {
    condition     = aws_iam_role.this.name == "rotate-access-keys" && aws_iam_role.this.path == "/banto/"
    error_message = "the role is ${aws_iam_role.this.path}${aws_iam_role.this.name}"
  }
}

run "the_role_has_the_identity_accounts_part_of_the_functions_policy_and_no_more" {
  assert {
    condition     = toset([for statement in jsondecode(output.policy).Statement : statement.Sid]) == toset(module.policy.sids)
    error_message = "the policy is ${output.policy}"
  }
  assert {
    # Whatever tells people, or leads elsewhere, is the function's own.
    condition = length(setintersection(
      flatten([for statement in jsondecode(output.policy).Statement : statement.Action]),
      ["sns:Publish", "sqs:SendMessage", "sqs:ReceiveMessage", "sts:AssumeRole", "kms:Decrypt"],
    )) == 0
    error_message = "the policy is ${output.policy}"
  }
  assert {
    condition     = !strcontains(output.policy, "\"-\"") && !strcontains(output.policy, "\"\"")
    error_message = "a name was not filled in: ${output.policy}"
  }
}

run "each_statement_that_is_said_to_be_an_identity_accounts_is_in_the_functions_policy" {
  assert {
    condition     = length(setsubtract(module.policy.sids, [for statement in jsondecode(file("../../../functions/rotate-access-keys/iam-policy.json")).Statement : statement.Sid])) == 0
    error_message = "a statement was renamed: the role would lack it"
  }
}

run "without_a_queue_there_are_no_rules" {
  variables {
    requests_queue = null
    alarm_mails    = []
  }
  assert {
    condition     = length(module.health) == 0
    error_message = "the rules lead nowhere"
  }
}

run "an_account_that_banto_toml_does_not_have_is_refused" {
  command = plan
  variables {
    account = "444455556666"
  }
  expect_failures = [var.account]
}

run "any_role_as_the_function_is_refused" {
  command = plan
  variables {
    function_role = "arn:aws:iam::444455556666:role/*"
  }
  expect_failures = [var.function_role]
}

run "a_path_of_users_without_its_last_slash_is_refused" {
  command = plan
  variables {
    region    = "ap-northeast-1"
    user_path = "/developers"
  }
  module {
    source = "./policy"
  }
  expect_failures = [var.user_path]
}

run "exposed_keys_need_somebody_who_hears_that_they_were_not_told" {
  command = plan
  variables {
    alarm_mails = []
  }
  expect_failures = [var.alarm_mails]
}
