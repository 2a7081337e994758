variables {
  name         = "banto-example"
  description  = "Says what time it is"
  timeout      = 60
  policy       = "{\"Version\": \"2012-10-17\", \"Statement\": []}"
  alarm_topics = ["arn:aws:sns:ap-northeast-1:123456789012:banto-alarms"]

  package_s3 = {
    bucket = "example-packages"
    key    = "example.zip"
    sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  }
}

run "alarms_that_nobody_hears_are_refused" {
  command = plan
  variables {
    alarm_topics = []
  }
  expect_failures = [var.alarm_topics]
}

run "a_policy_with_an_open_placeholder_is_refused" {
  command = plan
  variables {
    policy = "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Resource\": \"$${operators_topic}\"}]}"
  }
  expect_failures = [var.policy]
}

run "two_packages_are_refused" {
  command = plan
  variables {
    package = "variables.tf"
  }
  expect_failures = [var.package_s3]
}

run "no_package_is_refused" {
  command = plan
  variables {
    package_s3 = null
  }
  expect_failures = [var.package_s3]
}

run "a_package_that_is_not_there_is_named" {
  command = plan
  variables {
    package_s3 = null
    package    = "not-there.zip"
  }
  expect_failures = [aws_lambda_function.this]
}

run "a_package_on_disk_is_deployed_anew_when_it_changes" {
  command = plan
  variables {
    package_s3 = null
    package    = "variables.tf"
  }
  assert {
    condition     = aws_lambda_function.this.source_code_hash == filebase64sha256("variables.tf")
    error_message = "a new zip would not be seen"
  }
}

run "a_message_that_comes_again_while_it_is_worked_on_is_refused" {
  command = plan
  variables {
    sources = { requests = { name = "banto-requests", visibility_timeout = 59, max_receives = 5, maximum_concurrency = 10 } }
  }
  expect_failures = [var.sources]
}

run "a_large_batch_without_a_window_is_refused" {
  command = plan
  variables {
    sources = { requests = { name = "banto-requests", visibility_timeout = 360, max_receives = 5, maximum_concurrency = 10, batch_size = 100 } }
  }
  expect_failures = [var.sources]
}

run "a_concurrency_that_lambda_does_not_take_is_refused" {
  command = plan
  variables {
    sources = { requests = { name = "banto-requests", visibility_timeout = 360, max_receives = 5, maximum_concurrency = 1 } }
  }
  expect_failures = [var.sources]
}

run "two_sources_of_one_name_are_refused" {
  command = plan
  variables {
    sources = {
      events   = { name = "banto-requests", visibility_timeout = 360, max_receives = 5, maximum_concurrency = 10 }
      requests = { name = "banto-requests", visibility_timeout = 360, max_receives = 5, maximum_concurrency = 10 }
    }
  }
  expect_failures = [var.sources]
}

run "a_sender_that_says_what_it_may_do_is_refused" {
  command = plan
  variables {
    sources = { requests = { name = "banto-requests", visibility_timeout = 360, max_receives = 5, maximum_concurrency = 10, senders = "[{\"Sid\": \"All\", \"Principal\": \"*\", \"Action\": \"sqs:*\"}]" } }
  }
  expect_failures = [var.sources]
}

run "a_schedule_that_an_alarm_cannot_wait_for_is_refused" {
  command = plan
  variables {
    schedules = { monthly = { expression = "cron(0 0 2 * ? *)", missed_after = 720 } }
  }
  expect_failures = [var.schedules]
}

run "a_single_hour_that_has_no_halves_is_refused" {
  command = plan
  variables {
    schedules = { hourly = { expression = "rate(1 hour)", missed_after = 1 } }
  }
  expect_failures = [var.schedules]
}

run "an_alarm_that_looks_back_too_far_is_refused" {
  command = plan
  variables {
    alarms = { far = { description = "Far.", metric = "Failures", period = 300, evaluation_periods = 289 } }
  }
  expect_failures = [var.alarms]
}

run "anybody_as_an_invoker_is_refused" {
  command = plan
  variables {
    invokers = { all = "arn:aws:iam::123456789012:role/*" }
  }
  expect_failures = [var.invokers]
}

run "a_name_that_leaves_no_room_behind_it_is_refused" {
  command = plan
  variables {
    name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  }
  expect_failures = [var.name]
}

run "a_roles_name_that_leaves_no_room_behind_it_is_refused" {
  command = plan
  variables {
    role_name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  }
  expect_failures = [var.role_name]
}

run "a_path_without_its_last_slash_is_refused" {
  command = plan
  variables {
    role_path = "/banto"
  }
  expect_failures = [var.role_path]
}

run "a_policy_that_is_none_is_refused" {
  command = plan
  variables {
    policy = "{}"
  }
  expect_failures = [var.policy]
}

run "a_hash_that_is_not_in_base64_is_refused" {
  command = plan
  variables {
    package_s3 = { bucket = "example-packages", key = "example.zip", sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" }
  }
  expect_failures = [var.package_s3]
}

run "an_architecture_that_lambda_does_not_have_is_refused" {
  command = plan
  variables {
    architecture = "riscv64"
  }
  expect_failures = [var.architecture]
}

run "less_memory_than_lambda_gives_is_refused" {
  command = plan
  variables {
    memory = 64
  }
  expect_failures = [var.memory]
}

run "a_longer_timeout_than_lambda_gives_is_refused" {
  command = plan
  variables {
    timeout = 901
  }
  expect_failures = [var.timeout]
}

run "a_retention_that_cloudwatch_does_not_take_is_refused" {
  command = plan
  variables {
    log_retention_days = 100
  }
  expect_failures = [var.log_retention_days]
}

run "a_source_whose_word_is_no_part_of_an_alarms_name_is_refused" {
  command = plan
  variables {
    sources = { "Requests!" = { name = "banto-requests", visibility_timeout = 360, max_receives = 5, maximum_concurrency = 10 } }
  }
  expect_failures = [var.sources]
}

run "a_queues_name_that_leaves_no_room_behind_it_is_refused" {
  command = plan
  variables {
    sources = { requests = { name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", visibility_timeout = 360, max_receives = 5, maximum_concurrency = 10 } }
  }
  expect_failures = [var.sources]
}

run "a_retention_that_sqs_does_not_take_is_refused" {
  command = plan
  variables {
    sources = { requests = { name = "banto-requests", visibility_timeout = 360, max_receives = 5, maximum_concurrency = 10, retention = 1209601 } }
  }
  expect_failures = [var.sources]
}

run "a_dead_letter_after_no_receive_is_refused" {
  command = plan
  variables {
    sources = { requests = { name = "banto-requests", visibility_timeout = 360, max_receives = 0, maximum_concurrency = 10 } }
  }
  expect_failures = [var.sources]
}

run "a_sender_without_a_name_is_refused" {
  command = plan
  variables {
    sources = { requests = { name = "banto-requests", visibility_timeout = 360, max_receives = 5, maximum_concurrency = 10, senders = "[{\"Principal\": \"*\"}]" } }
  }
  expect_failures = [var.sources]
}

run "a_schedule_whose_word_is_no_part_of_a_name_is_refused" {
  command = plan
  variables {
    schedules = { "Daily!" = { expression = "cron(0 3 * * ? *)" } }
  }
  expect_failures = [var.schedules]
}

run "a_schedule_that_is_no_expression_is_refused" {
  command = plan
  variables {
    schedules = { daily = { expression = "daily" } }
  }
  expect_failures = [var.schedules]
}

run "a_window_of_more_than_a_day_is_refused" {
  command = plan
  variables {
    schedules = { daily = { expression = "cron(0 3 * * ? *)", flexible_minutes = 1441 } }
  }
  expect_failures = [var.schedules]
}

run "an_input_that_is_not_json_is_refused" {
  command = plan
  variables {
    schedules = { daily = { expression = "cron(0 3 * * ? *)", input = "{" } }
  }
  expect_failures = [var.schedules]
}

run "a_concurrency_that_stops_the_function_is_refused" {
  command = plan
  variables {
    reserved_concurrency = 0
  }
  expect_failures = [var.reserved_concurrency]
}

run "an_alarm_whose_word_is_no_part_of_a_name_is_refused" {
  command = plan
  variables {
    alarms = { "Far!" = { description = "Far.", metric = "Failures" } }
  }
  expect_failures = [var.alarms]
}

run "more_topics_than_an_alarm_takes_are_refused" {
  command = plan
  variables {
    alarm_topics = ["arn:aws:sns:ap-northeast-1:123456789012:banto-alarms-0", "arn:aws:sns:ap-northeast-1:123456789012:banto-alarms-1", "arn:aws:sns:ap-northeast-1:123456789012:banto-alarms-2", "arn:aws:sns:ap-northeast-1:123456789012:banto-alarms-3", "arn:aws:sns:ap-northeast-1:123456789012:banto-alarms-4", "arn:aws:sns:ap-northeast-1:123456789012:banto-alarms-5"]
  }
  expect_failures = [var.alarm_topics]
}
