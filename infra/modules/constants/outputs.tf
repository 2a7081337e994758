output "company_cidrs" {
  description = "All networks of the company, sorted."
  value       = local.cidrs
}

output "company_cidrs_v4" {
  description = "The company's networks of IPv4, sorted."
  value       = sort(var.company_cidrs_v4)
}

output "company_cidrs_v6" {
  description = "The company's networks of IPv6, sorted."
  value       = sort(var.company_cidrs_v6)
}

output "from_company" {
  description = "The condition that a request comes from the company's networks, as JSON text: for `conditions` of account-roles."
  value       = jsonencode({ IpAddress = { "aws:SourceIp" = local.cidrs } })

  precondition {
    condition     = length(local.cidrs) > 0
    error_message = "The company has no network: a condition on none lets nobody in."
  }
}

output "accounts" {
  description = "The ids of accounts, by name."
  value       = var.accounts
}

output "contacts" {
  description = "Mail addresses, by what they are asked for."
  value       = var.contacts
}

output "tags" {
  description = "Tags of everything."
  value       = var.tags
}
