output "users" {
  description = "The ARNs of the users by name, leavers among them."
  value       = { for name, user in aws_iam_user.this : name => user.arn }
}

output "leavers" {
  description = "Users who are not in the map any more, and how many access keys each still has."
  value       = { for name in keys(local.leavers) : name => local.keys[name] }
}

output "certificate_bucket" {
  description = "The name of the bucket of certificates; null if the module does not make it."
  value       = one([for bucket in aws_s3_bucket.certificates : bucket.bucket])
}

output "signing_key" {
  description = "The ARN of the key that signs records, for `rotation.signing_key`; null if there is none."
  value       = one([for key in aws_kms_key.signing : key.arn])
}

output "signing_public_key" {
  description = "Its public key, for `rotation.signing_public_keys`; null if there is none."
  value       = one([for key in data.aws_kms_public_key.signing : key.public_key])
}

output "break_glass_role" {
  description = "The ARN of the role for break glass; null if there is none."
  value       = one([for role in aws_iam_role.break_glass : role.arn])
}
