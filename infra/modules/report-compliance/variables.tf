variable "banto" {
  type = object({
    organization = optional(object({
      management_account = string
    }))
    log_archive = optional(object({
      bucket  = string
      kms_key = optional(string)
    }))
    onboarding = optional(object({
      dashboard = optional(object({
        bucket = string
        key    = string
      }))
    }))
    report = optional(object({
      archive = object({
        bucket = string
        prefix = string
      })
      store = object({
        bucket = string
        prefix = string
      })
      athena = optional(object({
        workgroup = string
        database  = string
      }))
      aggregator = optional(string)
      mail = optional(object({
        from              = string
        configuration_set = optional(string)
      }))
    }))
    notices = object({
      operators_topic = object({ arn = string })
      queue           = optional(object({ arn = string }))
    })
    secrets = optional(list(object({
      name    = string
      account = string
      region  = string
    })), [])
  })
  description = "What banto.toml names, as `banto config export` writes it."
  nullable    = false

  validation {
    condition     = var.banto.report != null
    error_message = "banto.toml has no [report]: add it, and run `banto config export`."
  }

  validation {
    # This module makes the store and the policy on it. A bucket has one policy, and the archive's is AWS Config's.
    condition     = try(var.banto.report.store.bucket != var.banto.report.archive.bucket, true)
    error_message = "report.store must be a bucket of its own, not the log archive."
  }

  validation {
    condition     = length(distinct([for secret in var.banto.secrets : [secret.account, secret.region]])) <= 1
    error_message = "All secrets must lie in one account and region."
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

variable "environment" {
  type        = map(string)
  description = "The function's environment variables, such as AWS_CA_BUNDLE."
  default     = {}
  nullable    = false
}

variable "memory" {
  type        = number
  description = "The function's memory in MB."
  # The code's limits are made for as much: an account's findings may have 256 MB as CSV.
  default  = 1024
  nullable = false

  validation {
    condition     = var.memory >= 1024
    error_message = "memory must be at least 1024 MB, for which the function's limits are made."
  }
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

variable "alarm_topics" {
  type        = list(string)
  description = "ARNs of the SNS topics that the alarms go to, of the function's account and region. The module alarm-topic makes one."
  nullable    = false
}

variable "organization_id" {
  type        = string
  description = "The Organization's id, as in o-exampleorgid. The function looks up its accounts alone, and whoever reaches the store must belong to it."
  nullable    = false

  validation {
    # Organizations API reference, Organization.
    condition     = can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "organization_id must be an Organization's id, as in o-exampleorgid."
  }
}

variable "publisher" {
  type        = string
  description = "The ARN of onboard-accounts' role, which puts the dashboard's data into the store. Null takes /banto/onboard-accounts of the management account."
  default     = null

  validation {
    condition     = var.publisher == null || can(regex("^arn:aws:iam::[0-9]{12}:role/[^*?]+$", var.publisher))
    error_message = "publisher must be the ARN of a role, as in arn:aws:iam::999988887777:role/banto/onboard-accounts."
  }
}

variable "readers" {
  type        = list(string)
  description = "ARNs of roles and users of the Organization that may read the dashboard in the store; * and ? stand for any signs, as in arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_Auditor_*. Each needs s3:GetObject by a policy of its own besides. It shows all accounts."
  default     = []
  nullable    = false

  validation {
    # The account decides whom the statement trusts, so that it must not be a pattern.
    condition     = alltrue([for arn in var.readers : can(regex("^arn:aws:iam::[0-9]{12}:(role|user)/.+$", arn))])
    error_message = "readers must be ARNs of roles or users, as in arn:aws:iam::111122223333:role/auditor."
  }
}

variable "distributions" {
  type        = list(string)
  description = "ARNs of CloudFront distributions with origin access control that serve the dashboard behind a sign-on."
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.distributions : can(regex("^arn:aws:cloudfront::[0-9]{12}:distribution/[A-Z0-9]+$", arn))])
    error_message = "distributions must be ARNs of CloudFront distributions, as in arn:aws:cloudfront::111122223333:distribution/E2EXAMPLE."
  }
}

variable "access_logs" {
  type = object({
    bucket = string
    prefix = optional(string, "")
  })
  description = "The bucket and prefix that S3 writes the store's access log to. Its policy must let logging.s3.amazonaws.com write. Null writes none."
  default     = null
}

variable "aggregator_arn" {
  type        = string
  description = "The ARN of the aggregator of AWS Config that report.aggregator names. IAM knows it by an id that AWS chooses. Null allows each aggregator of the account and region."
  default     = null

  validation {
    condition     = var.aggregator_arn == null || can(regex("^arn:aws:config:[a-z0-9-]+:[0-9]{12}:config-aggregator/[^*?/]+$", var.aggregator_arn))
    error_message = "aggregator_arn must be an aggregator's ARN, as `aws configservice describe-configuration-aggregators` prints it."
  }
}

variable "athena_results" {
  type = object({
    bucket = string
    prefix = optional(string, "")
  })
  description = "The bucket and prefix of the workgroup's results: the module log-archive's output results. Needed where banto.toml has [report.athena]."
  default     = null

  validation {
    condition     = var.athena_results != null || try(var.banto.report.athena, null) == null
    error_message = "banto.toml has [report.athena]: athena_results must name the bucket of the workgroup's results. The module log-archive has it as its output: athena_results = module.log_archive.results."
  }

  validation {
    condition     = try(var.athena_results.prefix == "" || endswith(var.athena_results.prefix, "/"), true)
    error_message = "athena_results.prefix must be empty, or end with a slash."
  }
}

variable "mail_identity" {
  type        = string
  description = "The identity of SES that report.mail.from belongs to: the address, or a domain of its. Null takes the address's domain."
  default     = null

  validation {
    condition = (
      var.mail_identity == null ||
      try(var.banto.report.mail, null) == null ||
      try(var.mail_identity == var.banto.report.mail.from, false) ||
      try(endswith(var.banto.report.mail.from, "@${var.mail_identity}"), false) ||
      try(endswith(var.banto.report.mail.from, ".${var.mail_identity}") && !strcontains(var.mail_identity, "@"), false)
    )
    error_message = "mail_identity must be report.mail.from itself, or the domain of it."
  }
}

variable "make_mail_identity" {
  type        = bool
  description = "Makes the identity in SES. false where this account and region have it already."
  default     = true
  nullable    = false
}

variable "bounce_mails" {
  type        = list(string)
  description = "Mail addresses that are told of each bounce and complaint. Each must confirm its subscription. An alarm goes off without any, too."
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for mail in var.bounce_mails : can(regex("^[^@ ]+@[^@ ]+$", mail))])
    error_message = "bounce_mails must be mail addresses."
  }

  validation {
    condition     = length(var.bounce_mails) == 0 || try(var.banto.report.mail.configuration_set, null) != null
    error_message = "Bounces reach a topic by report.mail.configuration_set only: name one, or leave bounce_mails empty."
  }
}

variable "quicksight" {
  type = object({
    principal = string
  })
  description = "The ARN of the user or group of QuickSight that may look at the dashboard of QuickSight and use its data set. Null makes none. The account must have signed up for QuickSight's Enterprise Edition."
  default     = null

  validation {
    condition     = var.quicksight == null || can(regex("^arn:aws:quicksight:[a-z0-9-]+:[0-9]{12}:(user|group)/.+$", var.quicksight.principal))
    error_message = "quicksight.principal must be the ARN of a user or group of QuickSight, as in arn:aws:quicksight:ap-northeast-1:444455556666:group/default/auditors."
  }

  validation {
    condition     = var.quicksight == null || try(var.banto.report.athena, null) != null
    error_message = "QuickSight reads by Athena: banto.toml must have [report.athena]."
  }
}
