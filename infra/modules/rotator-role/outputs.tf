output "role_name" {
  description = "The role's name."
  value       = aws_iam_role.this.name
}

output "role_arn" {
  description = "The role's ARN."
  value       = aws_iam_role.this.arn
}

output "policy" {
  description = "The role's permissions as they were rendered."
  value       = aws_iam_role_policy.this.policy
}
