variable "banto" {
  type = object({
    organization = optional(object({
      management_account = string
      home_region        = string
      control_tower      = bool
    }))
    onboarding = optional(object({ reach_role = string }))
    rotation = object({
      accounts = list(object({
        id                 = string
        role               = object({ arn = string })
        break_glass        = optional(string)
        certificate_bucket = string
      }))
      signing_key = optional(string)
    })
  })
  description = "What `banto config export` writes of banto.toml."
  nullable    = false
}

variable "account_id" {
  type        = string
  description = "The identity account's id: the account that the provider works in."
  nullable    = false

  validation {
    condition     = contains([for account in var.banto.rotation.accounts : account.id], var.account_id)
    error_message = "banto.toml has no [[rotation.accounts]] with this id: add it, and run banto config export."
  }
}

variable "mails" {
  type        = list(string)
  description = "The addresses that are told. SNS asks each to confirm, once for each region; until then it hears nothing."
  nullable    = false

  validation {
    condition     = length(var.mails) > 0
    error_message = "mails must have at least one address: nobody would be told otherwise."
  }

  validation {
    condition     = alltrue([for mail in var.mails : can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$", mail))])
    error_message = "mails must be mail addresses, as in sre@example.com."
  }
}

variable "quiet_roles" {
  type        = set(string)
  description = "ARNs of the roles that deploy in this account: what they change about code, keys, buckets, rules, Slack ids and leavers' MFA devices is no news. The same roles as deployment_roles of the module organization. Empty: onboarding.reach_role of the account, as there."
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.quiet_roles : can(regex("^arn:aws:iam::[0-9]{12}:role/[^*?]+$", arn))])
    error_message = "quiet_roles are ARNs of roles in full, like arn:aws:iam::111122223333:role/terraform-apply: CloudTrail names the role with its path."
  }
}

variable "rotator_function" {
  type        = string
  description = "The name of the function rotate-access-keys."
  default     = "banto-rotate-access-keys"
  nullable    = false
}

variable "region" {
  type        = string
  description = "The region of rotate-access-keys, where records, certificates and the signing key lie. Null takes onboarding.home_region, else the provider's."
  default     = null
}
