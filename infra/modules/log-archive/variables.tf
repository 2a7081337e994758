variable "banto" {
  type = object({
    organization = optional(object({
      management_account = string
      identity_accounts  = optional(list(string), [])
    }))
    log_archive = optional(object({
      bucket  = string
      prefix  = optional(string, "")
      kms_key = optional(string)
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
        workgroup     = string
        database      = string
        scan_limit_gb = number
      }))
      regions = list(string)
    }))
  })
  description = "What banto.toml names, as `banto config export` writes it."
  nullable    = false

  validation {
    condition     = var.banto.log_archive != null
    error_message = "banto.toml names no log archive: add [onboarding.config] or report.archive, and run `banto config export`."
  }

  validation {
    # Athena takes no query on a table that has an empty list of regions.
    condition     = try(length(var.banto.report.regions) > 0, true) || try(var.banto.report.athena, null) == null
    error_message = "banto.toml has [report.athena]: report.regions must name the regions that deliver."
  }

  validation {
    # The names of Glue and Athena are in lower case. (Athena user guide, "Name databases, tables, and columns".)
    condition     = try(can(regex("^[a-z0-9_]{1,255}$", var.banto.report.athena.database)), true) || try(var.banto.report.athena, null) == null
    error_message = "report.athena.database must be made of lower-case letters, digits and underscores."
  }
}

variable "organization_id" {
  type        = string
  description = "The Organization's id, as in o-exampleorgid. AWS Config delivers for its accounts alone, and whoever reads must belong to it."
  nullable    = false

  validation {
    # Organizations API reference, Organization.
    condition     = can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "organization_id must be an Organization's id, as in o-exampleorgid."
  }
}

variable "existing" {
  type        = bool
  description = "true where the bucket is there already, as Control Tower's is: it is left as it is. The output bucket_policy has what its policy must say."
  default     = false
  nullable    = false
}

variable "accounts" {
  type        = list(string)
  description = "The ids of all accounts of the Organization, which Athena looks for snapshots of: data.aws_organizations_organization has them. Needed where banto.toml has [report.athena]. Those that banto.toml names are among them in any case."
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.accounts : can(regex("^[0-9]{12}$", id))])
    error_message = "accounts must be ids of accounts, as in 111122223333."
  }

  validation {
    # An account that is not in the list has no findings in the report, which would look like a good month.
    condition     = length(var.accounts) > 0 || try(var.banto.report.athena, null) == null
    error_message = "banto.toml has [report.athena], and Athena sees the accounts of this list only: accounts = data.aws_organizations_organization.this.accounts[*].id. That is empty in an account that administers no service for the Organization, as the log archive's does after the first apply of the management account."
  }
}

variable "readers" {
  type        = list(string)
  description = "ARNs of roles and users of the Organization that may list and read the archive, report-compliance's among them; * and ? stand for any signs. Each needs s3:ListBucket and s3:GetObject by a policy of its own besides."
  default     = []
  nullable    = false

  validation {
    # The account decides whom the statement trusts, so that it must not be a pattern. A computed ARN is known later.
    condition     = alltrue([for arn in var.readers : can(regex("^arn:aws:iam::[0-9]{12}:(role|user)/.+$", arn))])
    error_message = "readers must be ARNs of roles or users, as in arn:aws:iam::444455556666:role/banto/report-compliance."
  }
}

variable "make_kms_key" {
  type        = bool
  description = "Makes a key in KMS that encrypts the archive. Name the output kms_key in banto.toml as onboarding.config.kms_key, so that AWS Config uses it. Without any key S3's own does."
  default     = false
  nullable    = false

  validation {
    condition     = !(var.make_kms_key && var.existing)
    error_message = "A bucket that is there already has its encryption: make_kms_key must be false with existing."
  }
}

variable "transition" {
  type = object({
    days          = number
    storage_class = string
  })
  description = "After how many days objects move to a cheaper storage class, and which. Objects below 128 KB stay: S3 moves none of them by itself. Null leaves all where they are."
  # A report reads its month and the 31 days before the month's end, and may be some weeks late. From then on nobody reads
  # an object but to make a month anew.
  default = { days = 100, storage_class = "STANDARD_IA" }

  validation {
    # The others must be restored before they are read: Athena passes over such objects, and the function fails.
    condition     = var.transition == null || contains(["STANDARD_IA", "GLACIER_IR", "INTELLIGENT_TIERING"], try(var.transition.storage_class, ""))
    error_message = "transition.storage_class must be one that is read at once: STANDARD_IA, GLACIER_IR or INTELLIGENT_TIERING."
  }

  validation {
    # S3 user guide, "Transitioning objects using Amazon S3 Lifecycle": 30 days for STANDARD_IA.
    condition     = try(var.transition.days >= 30, true) || var.transition == null
    error_message = "transition.days must be at least 30, which S3 asks for."
  }
}

variable "expire_days" {
  type        = number
  description = "After how many days objects of AWS Config go. Null keeps them for ever: a month that is gone can't be made anew, and is no proof of what was recorded."
  default     = null

  validation {
    # A month, the 31 days that the report looks back from its end, and the month before that a first report begins with
    # make 93. Thirteen months let last year's report be made once more.
    condition     = try(var.expire_days >= 400, true) || var.expire_days == null
    error_message = "expire_days must be at least 400, so that the report of the same month a year ago can be made anew."
  }

  validation {
    condition     = try(var.expire_days > var.transition.days, true)
    error_message = "expire_days must be more than transition.days: S3 refuses to move what is gone."
  }
}

variable "noncurrent_days" {
  type        = number
  description = "For how many days a version stays that was deleted or overwritten."
  # AWS Config overwrites nothing, so that such a version is somebody's mistake or attack. The next month's report notices
  # what is missing, and there are two months left to bring it back.
  default  = 90
  nullable = false

  validation {
    condition     = var.noncurrent_days >= 35
    error_message = "noncurrent_days must be at least 35, so that a month's report notices before it is too late."
  }
}

variable "access_logs" {
  type = object({
    bucket = string
    prefix = optional(string, "")
  })
  description = "The bucket and prefix that S3 writes the archive's access log to. Its policy must let logging.s3.amazonaws.com write. Null writes none."
  default     = null

  validation {
    condition     = var.access_logs == null || !var.existing
    error_message = "A bucket that is there already has its access log: access_logs must be null with existing."
  }
}

variable "roots" {
  type        = list(string)
  description = "What comes between report.archive's prefix and the account in the archive's keys, as in AWSLogs. Null takes what onboarding delivers to, and with existing Control Tower's forms as well."
  default     = null

  validation {
    # Athena takes a space as a part of a partition's name, and a comma as an end of it.
    condition     = var.roots == null || (try(length(var.roots) > 0, false) && alltrue([for root in coalesce(var.roots, []) : can(regex("^[^ ,/]+(/[^ ,/]+)*$", root))]))
    error_message = "roots must be folders without a slash at either end, without spaces and commas, as in o-exampleorgid/AWSLogs."
  }
}

variable "query_limit_gb" {
  type        = number
  description = "The most that one query may scan, in gigabytes of 10^9 bytes, whoever asks. Null takes report.athena.scan_limit_gb, so that a single query can't cost more than a whole report."
  default     = null

  validation {
    # Athena API reference, WorkGroupConfiguration: no less than 10 MB.
    condition     = try(var.query_limit_gb >= 0.01, true) || var.query_limit_gb == null
    error_message = "query_limit_gb must be at least 0.01, which is the least that Athena takes."
  }
}

variable "results_bucket" {
  type        = string
  description = "The name of the bucket of queries' results. Null takes banto-athena- and the account's id."
  default     = null
}

variable "results_days" {
  type        = number
  description = "For how many days the results of queries stay."
  # The report reads a result again on the day that its query ran. A month is for people who look into a report.
  default  = 30
  nullable = false

  validation {
    # A run that is repeated shortly after midnight UTC reads yesterday's results. S3 counts from midnight, too.
    condition     = var.results_days >= 2
    error_message = "results_days must be at least 2: a report that is run again reads the results of its first run."
  }
}
