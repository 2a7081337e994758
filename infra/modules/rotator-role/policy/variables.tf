variable "banto" {
  type = object({
    rotation = object({
      accounts    = list(object({ id = string, certificate_bucket = string, certificate_prefix = string }))
      signing_key = optional(string)
      groups      = list(string)
    })
  })
  description = "What `banto config export` writes of banto.toml."
  nullable    = false
}

variable "account" {
  type        = string
  description = "The identity account that the permissions are for. Null gives none: the function may run beside them all."
  default     = null

  validation {
    condition     = var.account == null || contains([for account in try(var.banto.rotation.accounts, []) : account.id], coalesce(var.account, "-"))
    error_message = "account must be one of [[rotation.accounts]] in banto.toml."
  }
}

variable "region" {
  type        = string
  description = "The function's region, in which the records of every identity account lie."
  nullable    = false
}

variable "user_path" {
  type        = string
  description = "The path below which users' keys are rotated. It begins and ends with a slash."
  default     = "/"
  nullable    = false

  validation {
    condition     = can(regex("^/([a-zA-Z0-9+=,.@_-]+/)*$", var.user_path))
    error_message = "user_path must begin and end with a slash, as in /developers/."
  }
}
