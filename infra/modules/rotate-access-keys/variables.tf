variable "banto" {
  type = object({
    rotation = object({
      accounts = list(object({
        id                 = string
        role               = object({ arn = string, name = string, path = string })
        assume             = bool
        certificate_bucket = string
        certificate_prefix = string
      }))
      revocations     = optional(object({ arn = string }))
      signing_key     = optional(string)
      groups          = list(string)
      oldest_key_days = number
      windows         = optional(list(object({ from = string, time_zone = string })), [])
    })
    notices = object({
      operators_topic = object({ arn = string })
      owners_topic    = object({ arn = string })
      slack           = bool
    })
    secrets = list(object({ account = string, region = string }))
  })
  description = "What `banto config export` writes of banto.toml."
  nullable    = false

  validation {
    condition     = length([for account in try(var.banto.rotation.accounts, []) : account if !account.assume]) <= 1
    error_message = "Only the function's own account can have assume = false in banto.toml."
  }

  validation {
    condition     = !try(var.banto.notices.slack, false) || length(var.banto.secrets) > 0
    error_message = "notices.slack is on, and no secret is named for it."
  }
}

variable "organization_id" {
  type        = string
  description = "The Organization's id: roles of its accounts are assumed, and no others."
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

variable "alarm_mails" {
  type        = list(string)
  description = "The addresses that hear of an exposed key's event which us-east-1 or us-west-2 could not forward: alarms there can't use alarm_topics, which are of this region. SNS asks each to confirm, once a region."
  nullable    = false

  validation {
    condition     = length(var.alarm_mails) > 0
    error_message = "alarm_mails must have at least one address: nobody would hear of an exposed key that was not told."
  }
}

variable "queue_name" {
  type        = string
  description = "The name of the queue of requests, which banto.toml does not have: the function is told of it by each message."
  default     = "banto-rotation"
  nullable    = false
}

variable "user_path" {
  type        = string
  description = "The path below which users' keys are rotated in the function's own account. It begins and ends with a slash."
  default     = "/"
  nullable    = false
}

variable "schedule" {
  type        = object({ expression = string, time_zone = optional(string, "UTC") })
  description = "When all users are looked at: once a day, within the change windows. Null takes the moment at which the first of [[rotation.windows]] begins, or 10:00 UTC where there is none."
  default     = null
}

variable "maximum_concurrency" {
  type        = number
  description = "How many requests are worked off at once."
  # Each is one message, and works on a user or an account. IAM publishes no rates: ten at once are a few calls a second, and a wave of exposed keys still ends within minutes.
  default  = 10
  nullable = false
}

variable "operators" {
  type        = map(string)
  description = "ARNs of roles that may invoke the function and send to its queue, each under a word of its own. It is the right to approve certificates, and to force and to end keys: give it to other people than those who may deploy (docs/SECURITY.md). The roles must exist; one of another account needs a policy of its own besides, for lambda:InvokeFunction and sqs:SendMessage."
  default     = {}
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
  description = "The function's environment variables, as in SLACK_API_URL: docs/OPERATIONS.md."
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
