variable "mails" {
  type        = list(string)
  description = "The addresses that alarms are mailed to. SNS asks each to confirm; until then it hears nothing."
  nullable    = false

  validation {
    condition     = length(var.mails) > 0
    error_message = "mails must have at least one address: nobody hears an alarm otherwise."
  }

  validation {
    condition     = alltrue([for mail in var.mails : can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$", mail))])
    error_message = "mails must be mail addresses, as in sre@example.com."
  }
}

variable "region" {
  type        = string
  description = "The region of the topic, which is that of its alarms. Null takes the provider's."
  default     = null
}

variable "name" {
  type        = string
  description = "The topic's name."
  default     = "banto-alarms"
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,256}$", var.name))
    error_message = "name must be 1 to 256 letters, digits, hyphens and underscores."
  }
}

variable "kms_key" {
  type        = string
  description = "The ARN of a KMS key that encrypts messages at rest. Its policy must let cloudwatch.amazonaws.com use kms:Decrypt and kms:GenerateDataKey*, or alarms don't arrive. Null encrypts nothing at rest: an alarm has names and numbers only."
  default     = null

  validation {
    # AWS's own key for SNS does not let CloudWatch use it, and its policy can't be changed (AWS Knowledge Center, "cloudwatch-configure-alarm-sns").
    condition     = var.kms_key == null || can(regex("^arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.kms_key))
    error_message = "kms_key must be the ARN of a key of your own: CloudWatch can't publish to a topic with alias/aws/sns."
  }
}
