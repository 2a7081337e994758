output "topic_arns" {
  description = "The ARN of each topic that was made, by its name."
  value       = { for name, topic in aws_sns_topic.this : name => topic.arn }
}

output "topics_elsewhere" {
  description = "ARNs of topics that banto.toml names in another account or region. Their owners make them, and let notify-compliance's role publish."
  value       = local.elsewhere
}

output "secret_arns" {
  description = "The ARN of each secret, by its name. Its value is put in by people: `aws secretsmanager put-secret-value`."
  value       = { for name, secret in aws_secretsmanager_secret.this : name => secret.arn }
}

output "key_arn" {
  description = "The ARN of the key that encrypts the secrets; null where there are none."
  value       = one(values(aws_kms_key.this)[*].arn)
}
