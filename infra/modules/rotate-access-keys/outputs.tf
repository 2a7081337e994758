output "function_name" {
  description = "The function's name."
  value       = module.function.function_name
}

output "function_arn" {
  description = "The function's ARN."
  value       = module.function.arn
}

output "role_arn" {
  description = "The ARN of the function's role, which the roles of other identity accounts trust."
  value       = module.function.role_arn
}

output "queue_arn" {
  description = "The ARN of the queue of requests."
  value       = module.function.queue_arns["requests"]
}

output "queue_url" {
  description = "The URL of the queue of requests, for operators."
  value       = module.function.queue_urls["requests"]
}

output "policy" {
  description = "The function's permissions as they were rendered."
  value       = local.policy
}

output "alarm_names" {
  description = "The names of all alarms, by their keys."
  value       = module.function.alarm_names
}
