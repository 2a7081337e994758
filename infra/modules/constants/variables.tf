variable "company_cidrs_v4" {
  type        = set(string)
  description = "The IPv4 networks from which the company reaches AWS, as AWS sees them. The default is a network of documentation, which nobody has."
  default     = ["192.0.2.0/24"] # RFC 5737
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.company_cidrs_v4 : can(regex("^[0-9.]+/[0-9]+$", cidr)) && try("${cidrhost(cidr, 0)}/${split("/", cidr)[1]}" == cidr, false)])
    error_message = "company_cidrs_v4 must be networks of IPv4 by their first address, as in 192.0.2.0/24."
  }

  validation {
    # AWS's APIs see public addresses. A private one in aws:SourceIp lets nobody in. (IAM user guide, "AWS global condition
    # context keys". RFC 1918; RFC 6598 for carriers' networks.)
    condition     = alltrue([for cidr in var.company_cidrs_v4 : !can(regex("^(10\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|192\\.168\\.|100\\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\\.)", cidr))])
    error_message = "company_cidrs_v4 must be public networks: AWS never sees a private address."
  }

  validation {
    # No company has more than a network of 16,777,216 addresses. What is wider is a slip, as 0.0.0.0/0 is.
    condition     = alltrue([for cidr in var.company_cidrs_v4 : try(tonumber(split("/", cidr)[1]) >= 8, true)])
    error_message = "company_cidrs_v4 must be networks of /8 or smaller: a wider one lets in the world."
  }
}

variable "company_cidrs_v6" {
  type        = set(string)
  description = "The IPv6 networks from which the company reaches AWS. The default is a network of documentation, which nobody has."
  default     = ["2001:db8::/32"] # RFC 3849
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.company_cidrs_v6 : strcontains(cidr, ":") && try("${cidrhost(cidr, 0)}/${split("/", cidr)[1]}" == cidr, false)])
    error_message = "company_cidrs_v6 must be networks of IPv6 by their first address in its short form, as in 2001:db8::/32."
  }

  validation {
    # A registry gives a provider a /32 by default, and large ones up to a /19 or so. (RIPE-738, "IPv6 Address Allocation
    # and Assignment Policy".) A company has less.
    condition     = alltrue([for cidr in var.company_cidrs_v6 : try(tonumber(split("/", cidr)[1]) >= 19, true)])
    error_message = "company_cidrs_v6 must be networks of /19 or smaller: a wider one lets in the world."
  }
}

variable "accounts" {
  type        = map(string)
  description = "The ids of accounts that others trust, by the name that people call them."
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for id in values(var.accounts) : can(regex("^[0-9]{12}$", id))])
    error_message = "accounts must have ids of accounts, as in { identity = \"111122223333\" }."
  }

  validation {
    condition     = length(distinct(values(var.accounts))) == length(var.accounts)
    error_message = "Two names in accounts have the same id."
  }
}

variable "contacts" {
  type        = map(string)
  description = "Mail addresses of those who are asked or told, by what they are asked for."
  default     = { operations = "sre@example.com", security = "security@example.com" }
  nullable    = false

  validation {
    condition     = alltrue([for mail in values(var.contacts) : can(regex("^[^@ ]+@[^@ ]+$", mail))])
    error_message = "contacts must be mail addresses."
  }
}

variable "tags" {
  type        = map(string)
  description = "Tags that everything of the company has: hand them on as the provider's default_tags."
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.tags) : !startswith(lower(key), "banto:") && !startswith(lower(key), "aws:")])
    error_message = "Tags that begin with banto: are read by Banto, and those with aws: are AWS's: choose other names."
  }
}
