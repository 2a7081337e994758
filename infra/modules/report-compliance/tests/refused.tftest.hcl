variables {
  banto           = jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto
  alarm_topics    = ["arn:aws:sns:ap-northeast-1:123456789012:banto-alarms"]
  organization_id = "o-exampleorgid"
  athena_results  = { bucket = "banto-athena-444455556666" }

  package_s3 = {
    bucket = "example-packages"
    key    = "report-compliance.zip"
    sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  }
}

run "a_policy_without_report" {
  command = plan
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, { report = null })
  }
  expect_failures = [var.banto]
}

run "the_log_archive_as_the_store" {
  command = plan
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      report = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.report, { store = { bucket = "banto-log-archive-444455556666", prefix = "report/" } })
    })
  }
  expect_failures = [var.banto]
}

run "athena_without_a_place_for_its_results" {
  command = plan
  variables {
    athena_results = null
  }
  expect_failures = [var.athena_results]
}

run "a_prefix_of_results_without_a_slash" {
  command = plan
  variables {
    athena_results = { bucket = "banto-athena-444455556666", prefix = "results" }
  }
  expect_failures = [var.athena_results]
}

run "quicksight_without_athena" {
  command = plan
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      report = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.report, { athena = null })
    })
    quicksight = { principal = "arn:aws:quicksight:ap-northeast-1:123456789012:group/default/auditors" }
  }
  expect_failures = [var.quicksight]
}

run "a_role_as_a_principal_of_quicksight" {
  command = plan
  variables {
    quicksight = { principal = "arn:aws:iam::123456789012:role/auditor" }
  }
  expect_failures = [var.quicksight]
}

run "a_reader_of_any_account" {
  command = plan
  variables {
    readers = ["arn:aws:iam::*:role/auditor"]
  }
  expect_failures = [var.readers]
}

run "a_distribution_that_is_a_name" {
  command = plan
  variables {
    distributions = ["E2EXAMPLE"]
  }
  expect_failures = [var.distributions]
}

run "an_identity_that_the_sender_does_not_belong_to" {
  command = plan
  variables {
    mail_identity = "ample.com"
  }
  expect_failures = [var.mail_identity]
}

run "bounces_that_no_configuration_set_carries" {
  command = plan
  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      report = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.report, { mail = { from = "banto@example.com" } })
    })
    bounce_mails = ["sre@example.com"]
  }
  expect_failures = [var.bounce_mails]
}

run "a_name_of_an_aggregator_for_its_arn" {
  command = plan
  variables {
    aggregator_arn = "banto"
  }
  expect_failures = [var.aggregator_arn]
}

run "less_memory_than_the_code_is_made_for" {
  command = plan
  variables {
    memory = 512
  }
  expect_failures = [var.memory]
}

run "an_organization_that_is_none" {
  command = plan
  variables {
    organization_id = "123456789012"
  }
  expect_failures = [var.organization_id]
}
