variable "banto" {
  type = object({
    rotation = object({
      accounts = list(object({
        id                 = string
        role               = object({ name = string, path = string })
        certificate_bucket = string
        certificate_prefix = string
      }))
      signing_key = optional(string)
      groups      = list(string)
    })
  })
  description = "What `banto config export` writes of banto.toml."
  nullable    = false
}

variable "account" {
  type        = string
  description = "The id of this identity account, as [[rotation.accounts]] has it."
  nullable    = false

  validation {
    condition     = contains([for account in try(var.banto.rotation.accounts, []) : account.id], var.account)
    error_message = "account must be one of [[rotation.accounts]] in banto.toml."
  }
}

variable "function_role" {
  type        = string
  description = "The ARN of the role of rotate-access-keys, which assumes this one."
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws:iam::[0-9]{12}:role/[^*?]+$", var.function_role))
    error_message = "function_role must be a role's ARN, without wildcards."
  }
}

variable "requests_queue" {
  type        = string
  description = "The ARN of rotate-access-keys' queue of requests, of this region: exposed keys of this account are told there. Null where AWS Health's organizational view tells of them."
  default     = null
}

variable "alarm_mails" {
  type        = list(string)
  description = "The addresses that hear of an exposed key's event that could not be handed on. There must be one where `requests_queue` is named. SNS asks each to confirm, once in each of the rules' regions."
  default     = []
  nullable    = false

  validation {
    condition     = var.requests_queue == null || length(var.alarm_mails) > 0
    error_message = "alarm_mails must have at least one address: nobody would hear of an exposed key that was not told."
  }
}

variable "user_path" {
  type        = string
  description = "The path below which users' keys are rotated. It begins and ends with a slash."
  default     = "/"
  nullable    = false
}
