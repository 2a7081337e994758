locals {
  root = try(data.aws_organizations_organization.this.roots[0].id, null)

  stack_set = try(var.banto.onboarding.way, null) == "stackset" ? try(var.banto.onboarding.stack_set, null) : null

  targets = coalesce(
    var.targets,
    try(toset(local.stack_set.targets), null),
    toset(compact([local.root])),
  )

  # One instance for each pair of target and region, so that another region or unit touches no other.
  instances = {
    for pair in setproduct(local.targets, toset(var.banto.organization.regions)) : join("/", pair) => { target = pair[0], region = pair[1] }
  }

  has_baseline = var.deploy_stack_sets && local.stack_set != null
  # The management account's own rules wait, too: the queue that they send to is made after this account's first
  # apply.
  has_forwarding = var.deploy_stack_sets && try(var.banto.compliance, null) != null
  # What needs StackSets, to know whether they must be trusted.
  stack_set_targets = local.has_baseline || local.has_forwarding ? local.targets : toset([])

  # AWS Config's compliance changes meet in the queue's region, since a rule sends to a queue of another
  # account in its own region only.
  meeting_region = try(var.banto.compliance.queue.region, null)
}

# Recorder, delivery channel and roles in every account (docs/onboarding.md). onboard-accounts looks after
# what the stacks made.
resource "aws_cloudformation_stack_set" "baseline" {
  for_each = toset(local.has_baseline ? [local.stack_set.name] : [])

  name             = each.key
  description      = "Banto's baseline: AWS Config in each region, roles in the home region"
  template_body    = local.stack_set.template
  permission_model = "SERVICE_MANAGED"
  capabilities     = ["CAPABILITY_NAMED_IAM"]

  # All that the template declares, though their defaults say the same. Terraform reads a StackSet's parameters
  # back with their defaults, and would take off, in each apply and in every account, what is not given here
  # (provider documentation, aws_cloudformation_stack_set, `parameters`).
  parameters = {
    Bucket     = var.banto.log_archive.bucket
    HomeRegion = local.home_region
    KmsKey     = var.banto.log_archive.kms_key == null ? "" : var.banto.log_archive.kms_key
    Prefix     = var.banto.log_archive.prefix
  }

  auto_deployment {
    enabled = true
    # An account that is moved keeps its recorder and its roles: it would be without both until another
    # stack makes them, or for ever.
    retain_stacks_on_account_removal = true
  }

  # Operations queue. Without it each one that meets another fails (CloudFormation API reference,
  # ManagedExecution), and onboard-accounts starts them, too.
  managed_execution {
    active = true
  }

  operation_preferences {
    # A stack fails where an account has a recorder already, which is expected (docs/onboarding.md,
    # "Something in the way"). The others are not to wait for it.
    failure_tolerance_percentage = 100
    # Nothing stops the operation at that tolerance. A quarter of the accounts at once leaves a person
    # time to stop it by `aws cloudformation stop-stack-set-operation`.
    max_concurrent_percentage = 25
    region_concurrency_type   = "PARALLEL"
  }

  # The provider waits for half an hour, and a StackSet of several hundred accounts takes longer.
  timeouts {
    update = "4h"
  }

  lifecycle {
    # CloudFormation API reference, CreateStackSet, TemplateBody.
    precondition {
      condition     = length(local.stack_set.template) <= 51200
      error_message = "The StackSet's template is longer than the 51,200 bytes that CloudFormation takes in a call. Leave out roles, or shorten their inline policies."
    }
  }

  depends_on = [aws_organizations_delegated_administrator.this]
}

resource "aws_cloudformation_stack_set_instance" "baseline" {
  for_each = local.has_baseline ? local.instances : {}

  stack_set_name            = aws_cloudformation_stack_set.baseline[local.stack_set.name].name
  stack_set_instance_region = each.value.region
  # A region or a unit that is taken out of the policy is no longer looked after. Its recorders go on, until
  # somebody stops them on purpose.
  retain_stack = true

  deployment_targets {
    organizational_unit_ids = [each.value.target]
  }

  operation_preferences {
    failure_tolerance_percentage = 100
    max_concurrent_percentage    = 25
  }

  timeouts {
    create = "4h"
    update = "4h"
    delete = "4h"
  }
}

# What AWS Config finds, from every account and region to notify-compliance.
resource "aws_cloudformation_stack_set" "event_forwarding" {
  for_each = toset(local.has_forwarding ? ["banto-event-forwarding"] : [])

  name             = each.key
  description      = "Banto's event forwarding: compliance changes to the queue of notify-compliance"
  template_body    = file("${path.module}/../../stacksets/event-forwarding.json")
  permission_model = "SERVICE_MANAGED"
  capabilities     = ["CAPABILITY_NAMED_IAM"]

  parameters = {
    HomeRegion = local.meeting_region
    QueueArn   = var.banto.compliance.queue.arn
  }

  auto_deployment {
    enabled                          = true
    retain_stacks_on_account_removal = false # its role can't send from outside of the Organization
    # In a new account the recorder comes first: before it there is nothing to forward.
    depends_on_stack_sets = [for baseline in aws_cloudformation_stack_set.baseline : baseline.arn]
  }

  managed_execution {
    active = true
  }

  operation_preferences {
    # Nothing that is expected stands in this stack's way, and no function looks after it: where it fails, no
    # event comes, and only the daily comparison finds what it would have told. So an apply fails where more than
    # one account of ten refuses it, which is a fault of the template or a service control policy. Fewer are told
    # by `list-stack-instances` (README, "When an apply fails").
    failure_tolerance_percentage = 10
    max_concurrent_percentage    = 25
    region_concurrency_type      = "PARALLEL"
  }

  timeouts {
    update = "4h"
  }
}

resource "aws_cloudformation_stack_set_instance" "event_forwarding" {
  for_each = local.has_forwarding ? local.instances : {}

  stack_set_name            = aws_cloudformation_stack_set.event_forwarding["banto-event-forwarding"].name
  stack_set_instance_region = each.value.region

  deployment_targets {
    organizational_unit_ids = [each.value.target]
  }

  operation_preferences {
    failure_tolerance_percentage = 10 # as above
    max_concurrent_percentage    = 25
    # By default no more accounts at once than failures are tolerated, and one more: in a small Organization one
    # after the other (CloudFormation user guide, "Concurrency Mode parameter").
    concurrency_mode = "SOFT_FAILURE_TOLERANCE"
  }

  timeouts {
    create = "4h"
    update = "4h"
    delete = "4h"
  }

  depends_on = [aws_cloudformation_stack_set_instance.baseline]
}
