# What a change of the variables touches.
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

  sources = {
    deliveries = { name = "banto-deliveries", visibility_timeout = 360, max_receives = 5, maximum_concurrency = 10 }
    events     = { name = "banto-events", visibility_timeout = 360, max_receives = 5, maximum_concurrency = 10 }
  }
}

run "sources_are_kept_by_their_words_so_that_their_order_changes_nothing" {
  assert {
    condition = alltrue([
      for of in [keys(aws_sqs_queue.this), keys(aws_sqs_queue.dead), keys(aws_lambda_event_source_mapping.this), keys(aws_sqs_queue_redrive_allow_policy.this)] :
      toset(of) == toset(["deliveries", "events"])
    ])
    error_message = "a source is kept by something else than its word"
  }
}

run "one_source_more_comes_beside_the_others" {
  variables {
    sources = {
      requests   = { name = "banto-requests", visibility_timeout = 360, max_receives = 5, maximum_concurrency = 10 }
      events     = { name = "banto-events", visibility_timeout = 360, max_receives = 5, maximum_concurrency = 10 }
      deliveries = { name = "banto-deliveries", visibility_timeout = 360, max_receives = 5, maximum_concurrency = 10 }
    }
  }
  assert {
    condition = alltrue([
      for key, source in var.sources :
      aws_sqs_queue.this[key].name == source.name && aws_lambda_event_source_mapping.this[key].event_source_arn == aws_sqs_queue.this[key].arn
    ])
    error_message = "a queue that was there before has another name, or another's messages"
  }
}
