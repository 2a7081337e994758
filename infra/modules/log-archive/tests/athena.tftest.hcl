variables {
  banto           = jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto
  organization_id = "o-exampleorgid"
  accounts        = ["777788889999", "111122223333", "444455556666", "111122223333"]
}

run "a_query_is_stopped_at_the_limit_and_its_result_goes_after_a_month" {
  assert {
    condition = (
      aws_athena_workgroup.this["athena"].name == "banto" &&
      aws_athena_workgroup.this["athena"].configuration[0].enforce_workgroup_configuration &&
      aws_athena_workgroup.this["athena"].configuration[0].bytes_scanned_cutoff_per_query == 100000000000 &&
      aws_athena_workgroup.this["athena"].configuration[0].engine_version[0].selected_engine_version == "Athena engine version 3"
    )
    error_message = "the workgroup lets more happen"
  }
  assert {
    condition = (
      aws_athena_workgroup.this["athena"].configuration[0].result_configuration[0].output_location == "s3://${output.results.bucket}/${output.results.prefix}" &&
      aws_athena_workgroup.this["athena"].configuration[0].result_configuration[0].encryption_configuration[0].encryption_option == "SSE_S3"
    )
    error_message = "results go elsewhere"
  }
  assert {
    condition     = one(aws_s3_bucket_lifecycle_configuration.results["athena"].rule).expiration[0].days == 30
    error_message = "results stay for another time"
  }
  assert {
    condition     = jsondecode(aws_s3_bucket_policy.results["athena"].policy).Statement[*].Sid == ["NothingWithoutTls"] && aws_s3_bucket_public_access_block.results["athena"].restrict_public_buckets
    error_message = "others may read results"
  }
  assert {
    condition     = output.workgroup == "banto" && output.database == "banto_config"
    error_message = "other names than banto.toml's"
  }
}

run "snapshots_are_found_in_all_accounts_and_regions_of_the_archive" {
  command = plan

  assert {
    condition = (
      aws_glue_catalog_table.tables["config_snapshots"].parameters["projection.account.values"] == "111122223333,444455556666,777788889999,999988887777" &&
      aws_glue_catalog_table.tables["config_snapshots"].parameters["projection.region.values"] == "ap-northeast-1,us-east-1" &&
      aws_glue_catalog_table.tables["config_snapshots"].parameters["projection.root.values"] == "AWSLogs" &&
      aws_glue_catalog_table.tables["config_snapshots"].parameters["projection.day.range"] == "1,31"
    )
    error_message = "the projection finds others: ${jsonencode(aws_glue_catalog_table.tables["config_snapshots"].parameters)}"
  }
  assert {
    condition     = aws_glue_catalog_table.tables["config_snapshots"].parameters["storage.location.template"] == "s3://banto-log-archive-444455556666/o-exampleorgid/$${root}/$${account}/Config/$${region}/$${year}/$${month}/$${day}/ConfigSnapshot/"
    error_message = "snapshots are looked for elsewhere"
  }
  assert {
    condition     = aws_glue_catalog_table.tables["config_snapshots"].storage_descriptor[0].ser_de_info[0].parameters["mapping.arn"] == "ARN"
    error_message = "the SerDe maps otherwise"
  }
  assert {
    condition     = aws_glue_catalog_table.tables["findings"].storage_descriptor[0].location == "s3://banto-reports-444455556666/compliance/findings/"
    error_message = "findings are looked for elsewhere"
  }
}

run "a_view_is_the_statement_with_its_columns_in_both_languages" {
  command = plan

  assert {
    condition = {
      for key, value in jsondecode(base64decode(regex("^/\\* Presto View: (.*) \\*/$", aws_glue_catalog_table.views["snapshots"].view_original_text)[0])) : key => value if key != "originalSql"
      } == {
      catalog = "awsdatacatalog"
      schema  = "banto_config"
      columns = [
        { name = "account", type = "varchar" },
        { name = "region", type = "varchar" },
        { name = "year", type = "integer" },
        { name = "month", type = "integer" },
        { name = "day", type = "integer" },
        { name = "path", type = "varchar" },
        { name = "taken", type = "varchar" },
        { name = "is_readable", type = "boolean" },
        { name = "items", type = "array(row(resourcetype varchar, resourceid varchar, resourcename varchar, arn varchar, arn_in_small varchar, configurationitemstatus varchar, configurationitemcapturetime varchar, configuration varchar))" },
      ]
    }
    error_message = "another view: ${base64decode(regex("^/\\* Presto View: (.*) \\*/$", aws_glue_catalog_table.views["snapshots"].view_original_text)[0])}"
  }
  assert {
    condition = alltrue([
      for name in ["snapshots", "evaluations", "resources", "recorded", "report_findings"] :
      can(regex("^(SELECT|WITH)", jsondecode(base64decode(regex("^/\\* Presto View: (.*) \\*/$", aws_glue_catalog_table.views[name].view_original_text)[0])).originalSql))
    ])
    error_message = "a view's text is no query"
  }
  assert {
    condition     = aws_glue_catalog_table.views["snapshots"].storage_descriptor[0].columns[8].type == aws_glue_catalog_table.tables["config_snapshots"].storage_descriptor[0].columns[1].type
    error_message = "the view's items are other ones than the table's"
  }
}

run "control_towers_archive_is_looked_for_with_and_without_the_organizations_id" {
  command = plan

  variables {
    existing = true
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      log_archive = { bucket = "aws-controltower-logs-444455556666-ap-northeast-1", prefix = "" }
      report      = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.report, { archive = { bucket = "aws-controltower-logs-444455556666-ap-northeast-1", prefix = "" } })
    })
  }

  assert {
    condition     = aws_glue_catalog_table.tables["config_history"].parameters["projection.root.values"] == "AWSLogs,o-exampleorgid/AWSLogs"
    error_message = "Control Tower's snapshots are not found"
  }
}

run "below_a_prefix_only_what_is_delivered_there_is_looked_for" {
  command = plan

  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      log_archive = { bucket = "org-config", prefix = "config/tokyo" }
      report      = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.report, { archive = { bucket = "org-config", prefix = "config/" } })
    })
  }

  assert {
    condition     = aws_glue_catalog_table.tables["config_history"].parameters["projection.root.values"] == "tokyo/AWSLogs"
    error_message = "snapshots are looked for elsewhere"
  }
}

run "the_caller_may_say_where_to_look_and_how_much_a_query_scans" {
  command = plan

  variables {
    roots          = ["old/AWSLogs", "AWSLogs"]
    query_limit_gb = 0.5
    results_bucket = "org-athena"
  }

  assert {
    condition     = aws_glue_catalog_table.tables["config_history"].parameters["projection.root.values"] == "AWSLogs,old/AWSLogs"
    error_message = "snapshots are looked for elsewhere"
  }
  assert {
    condition     = aws_athena_workgroup.this["athena"].configuration[0].bytes_scanned_cutoff_per_query == 500000000 && output.results == { bucket = "org-athena", prefix = "" }
    error_message = "another limit or bucket"
  }
}

run "without_athena_there_is_the_bucket_alone" {
  command = plan

  variables {
    banto    = { log_archive = { bucket = "org-config" } }
    accounts = []
  }

  assert {
    condition     = length(aws_glue_catalog_database.this) + length(aws_glue_catalog_table.tables) + length(aws_glue_catalog_table.views) + length(aws_athena_workgroup.this) + length(aws_s3_bucket.results) == 0
    error_message = "something of Athena was made"
  }
  assert {
    condition     = output.results == null && output.database == null && output.workgroup == null
    error_message = "outputs of what is not there"
  }
}

run "an_archive_that_onboarding_does_not_deliver_to_is_looked_for_in_either_form" {
  command = plan

  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      report = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.report, { archive = { bucket = "another", prefix = "" } })
    })
  }

  assert {
    condition     = aws_glue_catalog_table.tables["config_history"].parameters["projection.root.values"] == "AWSLogs,o-exampleorgid/AWSLogs"
    error_message = "snapshots are looked for elsewhere"
  }
}
