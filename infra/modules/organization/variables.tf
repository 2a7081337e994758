variable "banto" {
  description = "What `banto config export` writes. This module reads the parts that are named in its type."
  type = object({
    organization = object({
      management_account = string
      home_region        = string
      regions            = list(string)
      control_tower      = bool
    })
    log_archive = object({
      bucket  = string
      prefix  = string
      kms_key = string
    })
    onboarding = object({
      way        = string
      reach_role = string
      queue      = object({ account = string })
      left_alone = optional(list(string), [])
      stack_set = object({
        name      = string
        targets   = list(string)
        delegated = bool
        template  = string
      })
    })
    rotation = object({
      accounts = list(object({
        id                 = string
        role               = object({ arn = string })
        break_glass        = string
        certificate_bucket = string
      }))
      oldest_key_days = number
    })
    compliance = object({
      queue = object({ account = string, region = string, arn = string })
    })
  })

  validation {
    condition     = var.banto.organization != null && var.banto.onboarding != null
    error_message = "banto.toml has no [onboarding]. It says which account manages the Organization, and in which regions: write it, with enabled = false if the function is not to change anything."
  }

  validation {
    condition     = var.banto.organization == null || try(length(var.banto.organization.regions) > 0, false)
    error_message = "onboarding.regions is empty. Rules and the forwarding of events are made region by region: name the regions in banto.toml."
  }

  validation {
    condition     = try(contains(var.banto.organization.regions, var.banto.organization.home_region), true)
    error_message = "onboarding.regions must hold onboarding.home_region: rules on IAM's resources are made there only."
  }

  # Organizations user guide, "Service control policies (SCPs)": they never restrict the management account.
  validation {
    condition = alltrue([
      for account in var.banto.rotation.accounts : account.id != try(var.banto.organization.management_account, null)
    ])
    error_message = "rotation.accounts has the Organization's management account. Service control policies never reach it, so that anybody with administrator's rights there could make keys and set a user's pins: keep the users with access keys in a member account."
  }

  # EventBridge user guide, "Sending events to an AWS service in another account": in the same region only.
  validation {
    condition     = try(contains(var.banto.organization.regions, var.banto.compliance.queue.region), true)
    error_message = "The region of compliance.queue is not in onboarding.regions. A rule can send to a queue of another account in its own region only: name that region, too."
  }
}

variable "targets" {
  description = "Roots or organizational units that the StackSets deploy to. Null: those of onboarding.stack_set, or else the Organization's root."
  type        = set(string)
  default     = null

  validation {
    condition     = alltrue([for target in coalesce(var.targets, []) : can(regex("^(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32})$", target))])
    error_message = "Each target must be a root or an organizational unit, like r-ab12 or ou-ab12-cdefghij: StackSets with service-managed permissions deploy to these and not to accounts."
  }
}

variable "deploy_stack_sets" {
  description = "Whether the StackSets and the forwarding of events are made. False on the first day, until the log archive's bucket and the queue of notify-compliance are there."
  type        = bool
  default     = true
  nullable    = false
}

variable "deploy_policies" {
  description = "Whether the service control policies are attached. False until the rotator works: from then on nobody else makes or ends a key in the identity accounts."
  type        = bool
  default     = true
  nullable    = false
}

variable "deploy_rules" {
  description = "Whether the organization rules are made. False until onboard-accounts shows every account in place: a rule fails as a whole where one account has no recorder."
  type        = bool
  default     = true
  nullable    = false

  validation {
    condition     = !var.deploy_rules || var.deploy_stack_sets || local.stack_set == null
    error_message = "Rules fail in accounts without a recorder, which the StackSet makes: deploy_rules needs deploy_stack_sets."
  }

  # AWS Config API reference, OrganizationConfigRuleStatus: CREATE_FAILED where it failed in one account or more.
  validation {
    condition     = !var.deploy_rules || var.excluded_accounts != null || alltrue([for target in local.targets : startswith(target, "r-")])
    error_message = "An organization rule is made in every account, and the StackSets make recorders below ${join(", ", local.targets)} only. Set excluded_accounts to the accounts outside of these, and the management account until it has a recorder: a rule fails as a whole where one account has none."
  }
}

variable "manage_trusted_access" {
  description = "Whether this module turns on AWS Config's trusted access, and off again for the whole Organization when it is destroyed. False: a person does it once, and a plan names the commands."
  type        = bool
  default     = false
  nullable    = false
}

variable "config_administrator" {
  description = "The account that becomes AWS Config's delegated administrator. Null: the account of compliance.queue, where notify-compliance asks the aggregator."
  type        = string
  default     = null

  validation {
    condition     = var.config_administrator == null || can(regex("^[0-9]{12}$", var.config_administrator))
    error_message = "An account id has twelve digits, like 444455556666."
  }
}

variable "health_administrator" {
  description = "The account that becomes AWS Health's delegated administrator, and sees the events of all accounts. Null: none, each identity account sees its own."
  type        = string
  default     = null

  validation {
    condition     = var.health_administrator == null || can(regex("^[0-9]{12}$", var.health_administrator))
    error_message = "An account id has twelve digits, like 111122223333."
  }
}

variable "rules" {
  description = "AWS Config rules besides this module's own, by name. One with the name of an own rule replaces it; null takes it out. Null regions mean all of onboarding.regions."
  type = map(object({
    identifier                  = string
    description                 = optional(string)
    input_parameters            = optional(map(string))
    resource_types_scope        = optional(set(string))
    maximum_execution_frequency = optional(string)
    excluded_accounts           = optional(set(string), [])
    regions                     = optional(set(string))
  }))
  default = {}

  validation {
    condition     = alltrue([for rule in values(var.rules) : rule == null || can(regex("^[A-Z0-9_]+$", rule.identifier))])
    error_message = "An identifier of a managed rule has capital letters, digits and underscores, like S3_BUCKET_VERSIONING_ENABLED (AWS Config developer guide, \"List of AWS Config Managed Rules\")."
  }

  # AWS Config API reference, PutOrganizationConfigRule, OrganizationConfigRuleName.
  validation {
    condition     = alltrue([for name in keys(var.rules) : length(name) <= 64])
    error_message = "The name of an organization rule has 64 characters at the most."
  }
}

variable "excluded_accounts" {
  description = "Accounts that no rule is made in, since they have no recorder: those outside of the targets, and those that banto.toml leaves alone by unit or tag. Those that it leaves alone by their id are left out in any case. Null: the management account, which has no recorder before onboard-accounts was there."
  type        = set(string)
  default     = null

  # AWS Config API reference, PutOrganizationConfigRule, ExcludedAccounts.
  validation {
    condition     = length(coalesce(var.excluded_accounts, [])) <= 1000
    error_message = "AWS Config takes 1,000 excluded accounts at the most."
  }

  validation {
    condition     = alltrue([for account in coalesce(var.excluded_accounts, []) : can(regex("^[0-9]{12}$", account))])
    error_message = "An account id has twelve digits, like 444455556666."
  }
}

variable "deployment_roles" {
  description = "ARNs of the roles that apply the identity accounts' roots, beside onboarding.reach_role of each account: they may change the rotator's role and code, each other, the certificate bucket's settings, and the tags banto:identity and banto:slack."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.deployment_roles : can(regex("^arn:aws:iam::[0-9]{12}:role/[^*?]+$", arn))])
    error_message = "Each must be a role's ARN in full, like arn:aws:iam::111122223333:role/terraform-apply: a pattern would let whoever may name a role take part."
  }
}

variable "slack_provisioners" {
  description = "ARNs of other roles that set the tag banto:slack for users, for example from a directory. deployment_roles alone may make them, and pass them to a service."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.slack_provisioners : can(regex("^arn:aws:iam::[0-9]{12}:role/[^*?]+$", arn))])
    error_message = "Each must be a role's ARN in full, like arn:aws:iam::111122223333:role/directory: a pattern would let whoever may name a role take part."
  }
}

variable "deny_other_credentials" {
  description = "Whether identity accounts make no credentials that Banto never sees: service-specific ones (CodeCommit, Keyspaces, Bedrock API keys), SSH keys and signing certificates. Those that are there stay."
  type        = bool
  default     = true
  nullable    = false
}

variable "self_registered_mfa" {
  description = "Whether people register their first MFA device by themselves, at the console, where they signed in by their password. False: a role does it for them. An access key never can."
  type        = bool
  default     = true
}

variable "recorder_scp_targets" {
  description = "Roots, organizational units or accounts whose members can't stop recorders and delivery channels. Null: the StackSets' targets. Empty: none."
  type        = set(string)
  default     = null

  validation {
    condition     = alltrue([for target in coalesce(var.recorder_scp_targets, []) : can(regex("^(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|[0-9]{12})$", target))])
    error_message = "Each target must be a root, an organizational unit or an account, like r-ab12, ou-ab12-cdefghij or 444455556666."
  }
}

variable "recorder_roles" {
  description = "ARNs, with * where need be, of other roles that may change recorders and delivery channels, for example a company's own account factory."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.recorder_roles : can(regex("^arn:aws:iam::([0-9]{12}|\\*):role/[^*].*$", arn))])
    error_message = "Each must be a role's ARN, like arn:aws:iam::*:role/account-factory. One that begins with * after role/ would let every role in."
  }
}
