output "function_name" {
  description = "The function's name."
  value       = aws_lambda_function.this.function_name
}

output "arn" {
  description = "The function's ARN."
  value       = aws_lambda_function.this.arn
}

output "role_name" {
  description = "The name of the function's role."
  value       = aws_iam_role.this.name
}

output "role_arn" {
  description = "The ARN of the function's role."
  value       = aws_iam_role.this.arn
}

output "policy" {
  description = "The function's own permissions, as the role has them."
  value       = aws_iam_role_policy.own.policy
}

output "queue_arns" {
  description = "The ARN of each source's queue, by the source's word."
  value       = { for key, queue in aws_sqs_queue.this : key => queue.arn }

  # A sender that came before the queue's policy would be refused.
  depends_on = [aws_sqs_queue_policy.this]
}

output "queue_urls" {
  description = "The URL of each source's queue, by the source's word."
  value       = { for key, queue in aws_sqs_queue.this : key => queue.url }

  # A sender that came before the queue's policy would be refused.
  depends_on = [aws_sqs_queue_policy.this]
}

output "dead_letter_arns" {
  description = "The ARN of each source's dead letter queue, by the source's word."
  value       = { for key, queue in aws_sqs_queue.dead : key => queue.arn }
}

output "failed_queue_arn" {
  description = "The ARN of the queue of invocations that were given up; null without on_failure."
  value       = one(values(aws_sqs_queue.failed)[*].arn)
}

output "log_group_name" {
  description = "The name of the function's log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "alarm_names" {
  description = "The names of all alarms, by their keys."
  value = merge(
    { for key, alarm in aws_cloudwatch_metric_alarm.this : key => alarm.alarm_name },
    { for key, alarm in aws_cloudwatch_composite_alarm.missed : key => alarm.alarm_name },
  )
}
