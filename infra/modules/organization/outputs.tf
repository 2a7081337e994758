output "organization_id" {
  description = "The Organization's id, like o-exampleorgid."
  value       = data.aws_organizations_organization.this.id
}

output "rules" {
  description = "The organization rules, by \"region/name\": what people are told of each."
  value       = { for key, rule in aws_config_organization_managed_rule.this : key => rule.description }
}

output "stack_sets" {
  description = "ARNs of the StackSets by their names."
  value = {
    for stack_set in concat(values(aws_cloudformation_stack_set.baseline), values(aws_cloudformation_stack_set.event_forwarding)) : stack_set.name => stack_set.arn
  }
}

output "service_control_policies" {
  description = "The service control policies by their names: each one's JSON, and the accounts, units or roots that it is attached to."
  value = {
    for key, policy in local.policies : policy.name => {
      content = policy.content
      targets = sort([for attachment in values(local.attachments) : attachment.target if attachment.policy == key])
    }
  }
}
