output "function_name" {
  description = "The function's name."
  value       = module.function.function_name
}

output "role_arn" {
  description = "The ARN of the function's role, which the log archive's bucket policy lets read."
  value       = module.function.role_arn
}

output "policy" {
  description = "The function's own permissions, as rendered for this policy."
  value       = module.function.policy
}

output "store_bucket" {
  description = "The bucket of the months, the dashboard and the claims of mails."
  value       = aws_s3_bucket.store.id
}

output "store_policy" {
  description = "The store's bucket policy, as JSON text."
  value       = aws_s3_bucket_policy.store.policy
}

output "dkim_records" {
  description = "The CNAME records that the domain's owner publishes, by name. SES sends nothing before they are there."
  value = {
    for token in flatten([for identity in aws_sesv2_email_identity.this : identity.dkim_signing_attributes[*].tokens]) :
    "${token}._domainkey.${local.mail_identity}" => "${token}.${local.dkim_domain}"
  }
}

output "bounces_topic_arn" {
  description = "The ARN of the topic that SES tells of bounces and complaints; null without report.mail.configuration_set."
  value       = one(values(aws_sns_topic.bounces)[*].arn)
}

output "quicksight_role_arn" {
  description = "The ARN of the role by which QuickSight queries Athena; null without quicksight. A key in KMS that encrypts the workgroup's results must let it decrypt and encrypt."
  value       = one(values(aws_iam_role.quicksight)[*].arn)
}

output "alarm_names" {
  description = "The names of all alarms, by their keys."
  value       = module.function.alarm_names
}
