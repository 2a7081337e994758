output "arn" {
  description = "The aggregator's ARN, which IAM policies name: it ends in an id and not in the name."
  value       = aws_config_configuration_aggregator.this.arn
}

output "name" {
  description = "The aggregator's name, as banto.toml has it."
  value       = aws_config_configuration_aggregator.this.name
}
