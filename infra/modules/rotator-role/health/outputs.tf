output "rule_arn" {
  description = "The ARN of this region's rule, which the queue's policy lets in."
  value       = aws_cloudwatch_event_rule.this.arn
}

output "rule_name" {
  description = "The name of this region's rule."
  value       = aws_cloudwatch_event_rule.this.name
}

output "role_arn" {
  description = "The ARN of the role that sends to another account's queue; null where the queue is of this account."
  value       = one(values(aws_iam_role.requests)[*].arn)
}
