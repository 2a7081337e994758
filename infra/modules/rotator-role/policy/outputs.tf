output "statements" {
  description = "The statements as a JSON list."
  value       = jsonencode(local.statements)
}

output "sids" {
  description = "The names of the statements that belong to an identity account, whether or not banto.toml has use for each."
  value       = local.sids
}
