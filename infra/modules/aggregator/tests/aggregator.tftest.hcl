variables {
  banto = jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto
}

run "the_aggregator_has_the_policys_name_and_sees_all_regions" {
  assert {
    condition     = output.name == "banto" && one(aws_config_configuration_aggregator.this.organization_aggregation_source).all_regions
    error_message = "notify-compliance asks another aggregator, or regions are missing"
  }

  assert {
    condition     = one(aws_config_configuration_aggregator.this.organization_aggregation_source).role_arn == aws_iam_role.this.arn
    error_message = "AWS Config can't learn which accounts there are"
  }
}

run "aws_config_takes_the_role_for_its_own_account_only" {
  assert {
    condition = one(jsondecode(aws_iam_role.this.assume_role_policy).Statement).Condition == {
      StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.this.account_id }
    }
    error_message = "another account's aggregator could use the role"
  }
}

run "the_report_alone_has_one_too" {
  variables {
    banto = { compliance = null, report = { aggregator = "report" } }
  }

  assert {
    condition     = output.name == "report"
    error_message = "the report's aggregator is not made"
  }
}

run "two_names_are_refused" {
  command = plan

  variables {
    banto = { compliance = { aggregator = "banto" }, report = { aggregator = "report" } }
  }

  expect_failures = [var.banto]
}

run "no_name_is_refused" {
  command = plan

  variables {
    banto = { compliance = null, report = { aggregator = null } }
  }

  expect_failures = [var.banto]
}
