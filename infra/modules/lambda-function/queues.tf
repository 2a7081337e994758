resource "aws_sqs_queue" "dead" {
  for_each = var.sources

  name                    = "${each.value.name}-dead"
  sqs_managed_sse_enabled = true
  # 14 days, the most that SQS keeps. A message keeps the time at which it was first sent (SQS developer guide, "Setting-up dead-letter queue retention in Amazon SQS"),
  # so that the days in the first queue count.
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue" "this" {
  for_each = var.sources

  name                       = each.value.name
  sqs_managed_sse_enabled    = true
  visibility_timeout_seconds = each.value.visibility_timeout
  message_retention_seconds  = each.value.retention

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead[each.key].arn
    maxReceiveCount     = each.value.max_receives
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "this" {
  for_each = var.sources

  queue_url = aws_sqs_queue.dead[each.key].url
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.this[each.key].arn]
  })
}

resource "aws_sqs_queue" "failed" {
  for_each = local.failures

  name                      = "${var.name}-failed"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 1209600
}

locals {
  # Every queue with those who may send to it. SQS itself moves dead letters, and Lambda and the schedules have roles of this account.
  queues = merge(
    { for key, source in var.sources : key => { queue = aws_sqs_queue.this[key], senders = jsondecode(source.senders) } },
    { for key, source in var.sources : "${key}-dead" => { queue = aws_sqs_queue.dead[key], senders = [] } },
    { for key, queue in aws_sqs_queue.failed : key => { queue = queue, senders = [] } },
  )
}

resource "aws_sqs_queue_policy" "this" {
  for_each = local.queues

  queue_url = each.value.queue.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "OnlyByTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage", "sqs:SendMessage"]
        Resource  = each.value.queue.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }],
      [
        for sender in each.value.senders :
        merge(sender, { Effect = "Allow", Action = "sqs:SendMessage", Resource = each.value.queue.arn })
      ],
    )
  })
}
