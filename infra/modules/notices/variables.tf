variable "banto" {
  type = object({
    notices = object({
      operators_topic = object({ name = string, account = string, region = string, arn = string })
      owners_topic    = object({ name = string, account = string, region = string, arn = string })
    })
    compliance = optional(object({
      queue  = object({ account = string })
      topics = list(object({ name = string, account = string, region = string, arn = string }))
    }))
    onboarding = optional(object({
      queue = object({ account = string })
    }))
    rotation = optional(object({
      accounts = list(object({ role = object({ arn = string }), assume = bool }))
    }))
    secrets = list(object({ name = string, account = string, region = string, arn = string }))
  })
  description = "What `banto config export` writes of banto.toml: the variable banto of the root, handed on whole."
  nullable    = false

  validation {
    # One module makes them all, and a module makes things in one account and region.
    condition = alltrue([
      for one in concat([var.banto.notices.owners_topic], var.banto.secrets) :
      one.account == var.banto.notices.operators_topic.account && one.region == var.banto.notices.operators_topic.region
    ])
    error_message = "notices.owners_topic and all secrets of banto.toml must lie in the account and region of notices.operators_topic."
  }

  validation {
    # The functions' IAM policies read secrets of these names only.
    condition     = alltrue([for secret in var.banto.secrets : can(regex("^banto/(slack|endpoints)/[A-Za-z0-9/_+=.@-]+$", secret.name))])
    error_message = "The names of secrets must begin with banto/slack/ or banto/endpoints/: the functions may read no others. Rename in banto.toml: ${join(", ", [for secret in var.banto.secrets : secret.arn if !can(regex("^banto/(slack|endpoints)/[A-Za-z0-9/_+=.@-]+$", secret.name))])}."
  }
}

variable "organization_id" {
  type        = string
  description = "The Organization's id, as in o-exampleorgid: nobody outside it is let in, whatever the name of the role."
  nullable    = false

  validation {
    # Organizations API reference, Organization: "o-" and 10 to 32 letters and digits.
    condition     = can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "organization_id must be an Organization's id, as in o-exampleorgid."
  }
}

variable "mails" {
  type        = map(list(string))
  description = "Mail addresses that are subscribed to a topic, by the topic's name: `{ banto-operators = [\"sre@example.com\"] }`. Each gets a mail of SNS, and nothing more before its link was followed."
  default     = {}
  nullable    = false

  validation {
    condition = length(setsubtract(keys(var.mails), [
      for topic in concat([var.banto.notices.operators_topic, var.banto.notices.owners_topic], try(var.banto.compliance.topics, [])) :
      topic.name if topic.account == var.banto.notices.operators_topic.account && topic.region == var.banto.notices.operators_topic.region
    ])) == 0
    error_message = "mails must be by the names of topics that banto.toml names in the account and region of notices.operators_topic."
  }

  validation {
    condition     = alltrue([for mail in flatten(values(var.mails)) : can(regex("^[^@[:space:]]+@[^@[:space:]]+$", mail))])
    error_message = "mails must be mail addresses, as in sre@example.com."
  }
}

variable "owners" {
  type        = map(list(string))
  description = "Mail addresses of owners of access keys, by the name of their IAM user: `{ alice = [\"alice@example.com\"] }`. They hear of this user's keys only. An address may stand at several users. SNS takes filters of 200 addresses to a topic, and more on request."
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for mail in flatten(values(var.owners)) : can(regex("^[^@[:space:]]+@[^@[:space:]]+$", mail))])
    error_message = "owners must be mail addresses, as in alice@example.com."
  }

  validation {
    # SNS takes one subscription of an address to a topic: with a filter or without.
    condition     = length(setintersection(flatten(values(var.owners)), try(var.mails[var.banto.notices.owners_topic.name], []))) == 0
    error_message = "An address that mails has for notices.owners_topic hears of all users, and must not be in owners as well."
  }

  validation {
    # SNS developer guide, "Filter policy constraints in Amazon SNS".
    condition     = alltrue([for mail in toset(flatten(values(var.owners))) : length([for mails in values(var.owners) : mail if contains(mails, mail)]) <= 150])
    error_message = "An address may be in owners for at most 150 users, the most that SNS filters by: subscribe it to the whole topic by mails."
  }
}

variable "roles" {
  type        = list(string)
  description = "ARNs of further roles of other accounts that may publish to the topics and read the secrets of Slack: that of rotate-access-keys where it assumes a role in every identity account, or of report-compliance where it lies elsewhere."
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.roles : can(regex("^arn:aws:iam::[0-9]{12}:role/[^*?]+$", arn))])
    error_message = "roles must be ARNs of roles, without wildcards."
  }
}

variable "recovery_days" {
  type        = number
  description = "For how many days a secret that was deleted can be restored."
  # The most that Secrets Manager takes: a token of Slack is not made anew in a minute.
  default  = 30
  nullable = false

  validation {
    # Secrets Manager API reference, DeleteSecret: 7 to 30. 0 would delete at once, with no way back.
    condition     = var.recovery_days >= 7 && var.recovery_days <= 30 && floor(var.recovery_days) == var.recovery_days
    error_message = "recovery_days must be a whole number from 7 to 30."
  }
}
