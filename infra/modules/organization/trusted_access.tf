# Reads what the Organization has: its id, its root, and which services it trusts.
data "aws_organizations_organization" "this" {}

locals {
  # Without these AWS Config makes neither organization rules nor an aggregator of the Organization
  # (AWS Config developer guide, "Organization rules" and "Aggregators").
  trusted_services = ["config.amazonaws.com", "config-multiaccountsetup.amazonaws.com"]

  # These services make roles of their own when they are turned on, which only their own call does
  # (Organizations user guide, "CloudFormation StackSets and AWS Organizations", "AWS Health and AWS
  # Organizations"). Terraform's provider has no resource for that call.
  own_commands = merge(
    length(local.stack_set_targets) == 0 ? {} : {
      "member.org.stacksets.cloudformation.amazonaws.com" = "aws cloudformation activate-organizations-access"
    },
    var.health_administrator == null ? {} : {
      "health.amazonaws.com" = "aws health enable-health-service-access-for-organization --region us-east-1"
    },
  )

  commands = merge(
    var.manage_trusted_access ? {} : {
      for service in local.trusted_services : service => "aws organizations enable-aws-service-access --service-principal ${service}"
    },
    local.own_commands,
  )
  missing_commands = [
    for service, command in local.commands : command
    if !contains(data.aws_organizations_organization.this.aws_service_access_principals, service)
  ]
}

# The resource of the whole Organization, aws_organizations_organization, is left to whoever has it: most
# companies had one before Banto. The same holds for trusted access: destroying this resource turns it off for
# everybody's aggregators and rules, also where it was on before. So a person turns it on, unless told otherwise.
resource "aws_organizations_aws_service_access" "this" {
  for_each = toset(var.manage_trusted_access ? local.trusted_services : [])

  service_principal = each.key
}

# Warnings and not errors: AWS refuses what can't be, and these say why beforehand.
check "trusted_access" {
  assert {
    condition     = length(local.missing_commands) == 0
    error_message = "The Organization does not trust all services that Banto needs. Run in the management account: ${join("; ", local.missing_commands)}"
  }
}

check "service_control_policies" {
  assert {
    condition     = contains(data.aws_organizations_organization.this.enabled_policy_types, "SERVICE_CONTROL_POLICY")
    error_message = "Service control policies are off. Run in the management account: aws organizations enable-policy-type --policy-type SERVICE_CONTROL_POLICY --root-id ${local.root}"
  }
}
