resource "aws_lambda_event_source_mapping" "this" {
  for_each = var.sources

  event_source_arn = aws_sqs_queue.this[each.key].arn
  function_name    = aws_lambda_function.this.arn
  # What fails comes again alone, and not the whole batch.
  function_response_types            = ["ReportBatchItemFailures"]
  batch_size                         = each.value.batch_size
  maximum_batching_window_in_seconds = each.value.batching_window

  scaling_config {
    maximum_concurrency = each.value.maximum_concurrency
  }
}

resource "aws_lambda_function_event_invoke_config" "this" {
  for_each = local.failures

  function_name = aws_lambda_function.this.function_name
  # Lambda's own number, which comes a minute and three minutes after the first try (Lambda developer guide, "Retry behavior for asynchronous invocations").
  maximum_retry_attempts = 2
  # Six hours, the most that Lambda takes: an invocation that was throttled for so long was still wanted.
  maximum_event_age_in_seconds = 21600

  destination_config {
    on_failure {
      destination = aws_sqs_queue.failed[each.key].arn
    }
  }
}
