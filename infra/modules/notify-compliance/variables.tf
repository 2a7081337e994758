variable "banto" {
  type = object({
    organization = optional(object({ regions = list(string) }))
    compliance = optional(object({
      queue      = object({ name = string, account = string, region = string, arn = string })
      deliveries = object({ name = string, account = string, region = string, arn = string })
      table      = string
      topics     = list(object({ arn = string }))
      mail_from  = optional(string)
    }))
    onboarding = optional(object({ queue = object({ account = string }) }))
    report     = optional(object({ mail = optional(object({ configuration_set = optional(string) })) }))
    notices = object({
      operators_topic = object({ arn = string })
      queue           = optional(object({ arn = string }))
    })
    secrets = list(object({ name = string, account = string, region = string }))
  })
  description = "What `banto config export` writes of banto.toml: the variable banto of the root, handed on whole."
  nullable    = false

  validation {
    condition     = var.banto.compliance != null
    error_message = "banto.toml has no [compliance]: without it the function does not start."
  }

  validation {
    # The function and its queues are made in one account and region.
    condition = try(
      var.banto.compliance.queue.account == var.banto.compliance.deliveries.account && var.banto.compliance.queue.region == var.banto.compliance.deliveries.region,
      true,
    )
    error_message = "compliance.queue and compliance.deliveries must lie in one account and region."
  }

  validation {
    # Events of all regions come together in the queue's (EventBridge user guide, "Sending events to an AWS service in another account in
    # EventBridge": a queue of the rule's own region only). Rules are made in the policy's regions. An empty list is every region.
    condition = try(
      length(var.banto.organization.regions) == 0 || contains(var.banto.organization.regions, var.banto.compliance.queue.region),
      true,
    )
    error_message = "compliance.queue must lie in one of onboarding.regions: events of all regions come together in the queue's, by a rule there."
  }
}

variable "organization_id" {
  type        = string
  description = "The Organization's id, as in o-exampleorgid: the events of its accounts are let in, and no others."
  nullable    = false

  validation {
    # Organizations API reference, Organization: "o-" and 10 to 32 letters and digits.
    condition     = can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "organization_id must be an Organization's id, as in o-exampleorgid."
  }
}

variable "aggregator_arn" {
  type        = string
  description = "The ARN of the aggregator of AWS Config that compliance.aggregator names: the module aggregator makes one, and Control Tower has one of its own. IAM knows it by an id that AWS chooses."
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws:config:[a-z0-9-]+:[0-9]{12}:config-aggregator/[^*?/]+$", var.aggregator_arn))
    error_message = "aggregator_arn must be an aggregator's ARN, as `aws configservice describe-configuration-aggregators` prints it."
  }
}

variable "package" {
  type        = string
  description = "The path of the function's zip, which holds the program bootstrap and banto.toml. `cargo make package` makes it. Give this or package_s3."
  default     = null
}

variable "package_s3" {
  type = object({
    bucket  = string
    key     = string
    version = optional(string)
    sha256  = string
  })
  description = "Where the function's zip lies in S3, in the function's region, with the SHA-256 of it in Base64. Give this or package."
  default     = null
}

variable "architecture" {
  type        = string
  description = "What the program in the zip was built for: arm64 or x86_64."
  default     = "arm64"
  nullable    = false
}

variable "alarm_topics" {
  type        = list(string)
  description = "ARNs of the SNS topics that the alarms go to, of the function's account and region. The module alarm-topic makes one."
  nullable    = false
}

variable "daily" {
  type = object({
    expression = optional(string, "cron(0 9 * * ? *)")
    time_zone  = optional(string, "UTC")
  })
  description = "When the daily run compares all accounts and reminds people, as EventBridge Scheduler writes it. Reminders come with it: choose a time at which people read them."
  default     = {}
  nullable    = false
}

variable "pace" {
  type = object({
    events_at_once        = optional(number, 20)
    deliveries_at_once    = optional(number, 20)
    deliveries_in_a_batch = optional(number, 1)
  })
  description = <<-EOT
    How many invocations take events in at once, how many deliver, and how many deliveries one invocation takes.
    20 batches of 100 events are more than a new table takes, so that the table sets the pace. Raise `deliveries_at_once` to the number of busy routes.
    Deliveries of one batch are worked off one after another, so that a busy route keeps the next one waiting: more than 1, up to 10, is for few routes.
  EOT
  default     = {}
  nullable    = false

  validation {
    condition     = var.pace.deliveries_in_a_batch >= 1 && var.pace.deliveries_in_a_batch <= 10
    error_message = "pace.deliveries_in_a_batch must be 1 to 10: Lambda would wait before it takes more."
  }
}

variable "senders" {
  type        = list(string)
  description = "ARNs of further roles of other accounts that hand notices on by the queue of deliveries, such as that of report-compliance where it lies elsewhere. onboard-accounts' role is known."
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.senders : can(regex("^arn:aws:iam::[0-9]{12}:role/[^*?]+$", arn))])
    error_message = "senders must be ARNs of roles, without wildcards."
  }
}

variable "mail_identity" {
  type        = string
  description = "The identity of SES that compliance.mail_from belongs to: the address, or a domain of its. Null takes the address's domain. It is of this account and region; report-compliance makes it where both mail from one domain."
  default     = null

  validation {
    condition = (
      var.mail_identity == null ||
      try(var.mail_identity == var.banto.compliance.mail_from, false) ||
      try(endswith(var.banto.compliance.mail_from, "@${var.mail_identity}"), false) ||
      try(endswith(var.banto.compliance.mail_from, ".${var.mail_identity}"), false)
    )
    error_message = "mail_identity must be compliance.mail_from itself, or a domain of it."
  }
}

variable "slack_api_url" {
  type        = string
  description = "Where Slack's API is, for a workspace in GovSlack: https://slack-gov.com/api. Null is https://slack.com/api."
  default     = null

  validation {
    condition     = var.slack_api_url == null || can(regex("^https://[^/]+(/.*)?[^/]$", var.slack_api_url))
    error_message = "slack_api_url must begin with https:// and have no slash at its end."
  }
}

variable "environment" {
  type        = map(string)
  description = "Further environment variables, such as AWS_CA_BUNDLE behind a proxy that ends TLS."
  default     = {}
  nullable    = false
}

variable "deletion_protection" {
  type        = bool
  description = "Whether DynamoDB refuses to delete the table. Apply false before you destroy the module."
  default     = true
  nullable    = false
}

variable "log_retention_days" {
  type        = number
  description = "For how many days CloudWatch Logs keeps the function's log."
  # An incident is often found months after it began, and the next audit is within the year.
  default  = 365
  nullable = false
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
