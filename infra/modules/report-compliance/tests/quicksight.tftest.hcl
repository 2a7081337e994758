variables {
  banto           = jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto
  alarm_topics    = ["arn:aws:sns:ap-northeast-1:123456789012:banto-alarms"]
  organization_id = "o-exampleorgid"
  athena_results  = { bucket = "banto-athena-444455556666", prefix = "results/" }
  quicksight      = { principal = "arn:aws:quicksight:ap-northeast-1:123456789012:group/default/auditors" }

  package_s3 = {
    bucket = "example-packages"
    key    = "report-compliance.zip"
    sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  }
}

run "quicksight_reads_the_findings_through_the_workgroup_and_nothing_else" {
  assert {
    condition = jsonencode({ for statement in jsondecode(aws_iam_role_policy.quicksight["quicksight"].policy).Statement : statement.Sid => sort(flatten([statement.Resource])) }) == jsonencode({
      QueryInTheWorkgroup  = ["arn:aws:athena:ap-northeast-1:123456789012:workgroup/banto"]
      LookIntoTheCatalogue = ["arn:aws:athena:ap-northeast-1:123456789012:datacatalog/AwsDataCatalog"]
      FindTheDatabase = [
        "arn:aws:glue:ap-northeast-1:123456789012:catalog",
        "arn:aws:glue:ap-northeast-1:123456789012:database/banto_config",
      ]
      ReadTheTableAndItsView = [
        "arn:aws:glue:ap-northeast-1:123456789012:catalog",
        "arn:aws:glue:ap-northeast-1:123456789012:database/banto_config",
        "arn:aws:glue:ap-northeast-1:123456789012:table/banto_config/findings",
        "arn:aws:glue:ap-northeast-1:123456789012:table/banto_config/report_findings",
      ]
      FindTheFindings = ["arn:aws:s3:::banto-reports-444455556666"]
      ReadTheFindings = ["arn:aws:s3:::banto-reports-444455556666/compliance/findings/*"]
      FindTheBuckets  = ["arn:aws:s3:::banto-athena-444455556666", "arn:aws:s3:::banto-reports-444455556666"]
      ListTheResults  = ["arn:aws:s3:::banto-athena-444455556666"]
      KeepTheResults  = ["arn:aws:s3:::banto-athena-444455556666/results/*"]
    })
    error_message = "QuickSight reads something else: ${aws_iam_role_policy.quicksight["quicksight"].policy}"
  }
  assert {
    condition = one(jsondecode(aws_iam_role.quicksight["quicksight"].assume_role_policy).Statement) == {
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "quicksight.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = "123456789012" } }
    }
    error_message = "somebody else may be QuickSight: ${aws_iam_role.quicksight["quicksight"].assume_role_policy}"
  }
  assert {
    condition     = aws_quicksight_data_source.this["quicksight"].parameters[0].athena[0].role_arn == output.quicksight_role_arn && aws_quicksight_data_source.this["quicksight"].parameters[0].athena[0].work_group == "banto"
    error_message = "QuickSight queries by another role or workgroup"
  }
}

run "the_data_set_has_the_columns_of_its_statement_and_names_the_database" {
  assert {
    condition     = { for column in one(aws_quicksight_data_set.this["quicksight"].physical_table_map).custom_sql[0].columns : column.name => column.type } == jsondecode(file("quicksight-columns.json"))
    error_message = "other columns"
  }
  assert {
    condition     = endswith(trimspace(one(aws_quicksight_data_set.this["quicksight"].physical_table_map).custom_sql[0].sql_query), "FROM \"banto_config\".report_findings")
    error_message = "the statement reads another view"
  }
  assert {
    condition     = startswith(one(aws_quicksight_data_set.this["quicksight"].physical_table_map).custom_sql[0].sql_query, "SELECT\n") && !strcontains(one(aws_quicksight_data_set.this["quicksight"].physical_table_map).custom_sql[0].sql_query, "--")
    error_message = "the statement has comments"
  }
}

run "the_dashboard_is_the_template_and_its_principal_may_not_change_anything" {
  assert {
    condition     = jsondecode(aws_cloudformation_stack.quicksight_dashboard["quicksight"].template_body) == jsondecode(file("quicksight-dashboard.json"))
    error_message = "another template"
  }
  assert {
    condition     = length(aws_cloudformation_stack.quicksight_dashboard["quicksight"].template_body) < 51200
    error_message = "CloudFormation takes 51,200 bytes"
  }
  assert {
    condition     = toset(keys(aws_cloudformation_stack.quicksight_dashboard["quicksight"].parameters)) == toset(keys(jsondecode(file("quicksight-dashboard.json")).Parameters))
    error_message = "the template has other parameters"
  }
  assert {
    condition = alltrue([
      for action in concat(
        tolist(one(aws_quicksight_data_source.this["quicksight"].permission).actions),
        tolist(one(aws_quicksight_data_set.this["quicksight"].permissions).actions),
      ) : can(regex("^quicksight:(Describe|List|Pass)", action))
    ])
    error_message = "who looks may change"
  }
}
