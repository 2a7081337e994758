output "function_name" {
  description = "The function's name."
  value       = module.function.function_name
}

output "function_arn" {
  description = "The function's ARN."
  value       = module.function.arn
}

output "role_arn" {
  description = "The ARN of the function's role, which reach_role must trust where AWS did not make it."
  value       = module.function.role_arn
}

output "queue_arn" {
  description = "The ARN of the queue of accounts that wait."
  value       = module.function.queue_arns["accounts"]
}

output "table_arn" {
  description = "The ARN of the table of statuses."
  value       = aws_dynamodb_table.this.arn
}

output "policy" {
  description = "The function's permissions as they were rendered."
  value       = local.policy
}

output "alarm_names" {
  description = "The names of all alarms, by their keys."
  value       = module.function.alarm_names
}
