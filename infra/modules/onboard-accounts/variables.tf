variable "banto" {
  type = object({
    organization = object({
      management_account = string
      control_tower      = bool
    })
    onboarding = object({
      way        = string
      reach_role = string
      queue      = object({ name = string, account = string, region = string, arn = string })
      table      = string
      dashboard  = object({ bucket = string, key = string })
      stack_set  = optional(object({ name = string, delegated = bool }))
    })
    rotation = optional(object({
      accounts    = list(object({ id = string, role = object({ arn = string }), assume = bool }))
      revocations = optional(object({ arn = string }))
    }))
    notices = object({
      operators_topic = object({ arn = string })
      queue           = optional(object({ arn = string }))
      slack           = bool
    })
    secrets = list(object({ account = string, region = string }))
  })
  description = "What `banto config export` writes of banto.toml."
  nullable    = false

  validation {
    condition     = var.banto.onboarding != null && var.banto.organization != null
    error_message = "banto.toml has no [onboarding], and without it onboard-accounts has nothing to do."
  }

  validation {
    condition     = var.banto.onboarding == null || try(var.banto.onboarding.way != "stackset" || var.banto.onboarding.stack_set != null, true)
    error_message = "banto.toml has no [onboarding.stack_set], which way = \"stackset\" needs."
  }

  validation {
    condition     = !try(var.banto.notices.slack, false) || length(var.banto.secrets) > 0
    error_message = "notices.slack is on, and no secret is named for it."
  }
}

variable "organization_id" {
  type        = string
  description = "The Organization's id: the function may enter its accounts and no others."
  nullable    = false

  validation {
    condition     = can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "organization_id must be as in o-exampleorgid."
  }
}

variable "package" {
  type        = string
  description = "The path of the function's zip, which holds the program bootstrap and banto.toml. Give this or package_s3."
  default     = null
}

variable "package_s3" {
  type        = object({ bucket = string, key = string, version = optional(string), sha256 = string })
  description = "Where the function's zip lies in S3, with its SHA-256 in Base64. Give this or package."
  default     = null
}

variable "alarm_topics" {
  type        = list(string)
  description = "ARNs of the SNS topics that the alarms go to, of this account and region."
  nullable    = false
}

variable "schedule" {
  type        = object({ expression = string, time_zone = optional(string, "UTC") })
  description = "When all accounts are looked at. Once a day is what the dashboard and the alarms count on."
  default     = { expression = "cron(0 3 * * ? *)" }
  nullable    = false
}

variable "maximum_concurrency" {
  type        = number
  description = "How many batches of ten accounts are worked off at once: the pace."
  # Each looks at eight accounts at a time, so that four make 32. Organizations publishes no rates, and throttles ListParents from some 200 accounts asked at once.
  default  = 4
  nullable = false
}

variable "operators" {
  type        = map(string)
  description = "ARNs of roles that may invoke the function, and that its queue takes messages from, each under a word of its own. To send, a role needs sqs:SendMessage by its own policy besides. Give this right as you give that to move accounts: docs/SECURITY.md. The roles must exist."
  default     = {}
  nullable    = false
}

variable "senders" {
  type        = map(string)
  description = "ARNs of further roles that may send to the queue, each under a word of its own: that of rotate-access-keys where it runs in no identity account, and that of a rule in the management account where this function runs in another one."
  default     = {}
  nullable    = false
}

variable "deletion_protection" {
  type        = bool
  description = "Whether DynamoDB refuses to delete the table. Apply false before you destroy the module."
  default     = true
  nullable    = false
}

variable "architecture" {
  type        = string
  description = "What the program in the zip was built for: arm64 or x86_64."
  default     = "arm64"
  nullable    = false
}

variable "environment" {
  type        = map(string)
  description = "The function's environment variables, as in AWS_CA_BUNDLE: docs/OPERATIONS.md."
  default     = {}
  nullable    = false
}

variable "log_retention_days" {
  type        = number
  description = "For how many days CloudWatch Logs keeps the function's log."
  default     = 365
  nullable    = false
}

variable "log_kms_key" {
  type        = string
  description = "The ARN of a KMS key that encrypts the log. Null takes CloudWatch Logs' own key."
  default     = null
}

variable "keep_log" {
  type        = bool
  description = "Leaves the log group in the account when the function is destroyed. Made anew by the same name, it must be imported first. Apply false before you destroy what nobody needs."
  default     = true
  nullable    = false
}
