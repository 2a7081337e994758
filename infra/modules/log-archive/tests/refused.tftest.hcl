variables {
  banto           = jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto
  organization_id = "o-exampleorgid"
  accounts        = ["111122223333"]
}

run "a_policy_without_a_log_archive" {
  command = plan
  variables {
    banto = {}
  }
  expect_failures = [var.banto]
}

run "athena_without_regions" {
  command = plan
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      report = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.report, { regions = [] })
    })
  }
  expect_failures = [var.banto]
}

run "a_database_that_glue_would_write_otherwise" {
  command = plan
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      report = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.report, { athena = { workgroup = "banto", database = "Banto-Config", scan_limit_gb = 100 } })
    })
  }
  expect_failures = [var.banto]
}

run "athena_without_accounts" {
  command = plan
  variables {
    accounts = []
  }
  expect_failures = [var.accounts]
}

run "an_account_that_is_a_name" {
  command = plan
  variables {
    accounts = ["log-archive"]
  }
  expect_failures = [var.accounts]
}

run "an_organization_that_is_none" {
  command = plan
  variables {
    organization_id = "r-ab12"
  }
  expect_failures = [var.organization_id]
}

run "a_reader_of_any_account" {
  command = plan
  variables {
    readers = ["arn:aws:iam::*:role/auditor"]
  }
  expect_failures = [var.readers]
}

run "a_key_for_a_bucket_that_is_there" {
  command = plan
  variables {
    existing     = true
    make_kms_key = true
  }
  expect_failures = [var.make_kms_key]
}

run "an_access_log_for_a_bucket_that_is_there" {
  command = plan
  variables {
    existing    = true
    access_logs = { bucket = "access-logs" }
  }
  expect_failures = [var.access_logs]
}

run "a_storage_class_that_athena_passes_over" {
  command = plan
  variables {
    transition = { days = 100, storage_class = "DEEP_ARCHIVE" }
  }
  expect_failures = [var.transition]
}

run "a_move_before_s3_allows_it" {
  command = plan
  variables {
    transition = { days = 7, storage_class = "STANDARD_IA" }
  }
  expect_failures = [var.transition]
}

run "snapshots_that_go_before_last_years_report_can_be_made_again" {
  command = plan
  variables {
    expire_days = 365
  }
  expect_failures = [var.expire_days]
}

run "snapshots_that_move_when_they_are_gone" {
  command = plan
  variables {
    expire_days = 400
    transition  = { days = 400, storage_class = "GLACIER_IR" }
  }
  expect_failures = [var.expire_days]
}

run "versions_that_go_before_a_report_notices" {
  command = plan
  variables {
    noncurrent_days = 30
  }
  expect_failures = [var.noncurrent_days]
}

run "a_root_with_a_space" {
  command = plan
  variables {
    roots = ["AWSLogs", " o-exampleorgid/AWSLogs"]
  }
  expect_failures = [var.roots]
}

run "no_root_at_all" {
  command = plan
  variables {
    roots = []
  }
  expect_failures = [var.roots]
}

run "a_limit_below_athenas_least" {
  command = plan
  variables {
    query_limit_gb = 0.001
  }
  expect_failures = [var.query_limit_gb]
}

run "results_that_go_before_a_report_reads_them_again" {
  command = plan
  variables {
    results_days = 1
  }
  expect_failures = [var.results_days]
}
