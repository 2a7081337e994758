output "function_name" {
  description = "The function's name."
  value       = module.function.function_name
}

output "role_arn" {
  description = "The ARN of the function's role."
  value       = module.function.role_arn
}

output "policy" {
  description = "The function's own permissions, as the role has them."
  value       = module.function.policy
}

output "queue_arns" {
  description = "The ARNs of the queues: events and deliveries."
  value       = module.function.queue_arns
}

output "dead_letter_arns" {
  description = "The ARNs of the dead letter queues: events and deliveries."
  value       = module.function.dead_letter_arns
}

output "table_arn" {
  description = "The ARN of the table."
  value       = aws_dynamodb_table.this.arn
}

output "alarm_names" {
  description = "The names of all alarms, by their keys."
  value       = module.function.alarm_names
}
