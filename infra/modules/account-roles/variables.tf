variable "roles" {
  description = "The roles by name, in the shape of banto.onboarding.roles: hand that on whole, or parts of it."
  type = map(object({
    description       = optional(string, "")
    trusted           = set(string)
    mfa               = optional(bool, true)
    conditions        = optional(string)
    session_name      = optional(string, "user")
    max_session_hours = optional(number, 1)
    managed_policies  = optional(set(string), [])
    inline_policies   = optional(map(string), {})
    boundary          = optional(string)
    tags              = optional(map(string), {})
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.roles) : can(regex("^[0-9A-Za-z+=,.@_-]{1,64}$", name))])
    error_message = "A role's name has 1 to 64 letters, digits and + = , . @ _ - (IAM API reference, CreateRole)."
  }

  validation {
    condition     = length(distinct([for name in keys(var.roles) : lower(name)])) == length(var.roles)
    error_message = "Two roles differ in the case of their letters only: IAM takes them for one. Rename one of them."
  }

  validation {
    condition = alltrue([for role in values(var.roles) :
      length(role.trusted) > 0 && alltrue([for account in role.trusted : can(regex("^[0-9]{12}$", account))])
    ])
    error_message = "Each role names in `trusted` at least one account, each by its twelve digits."
  }

  validation {
    condition     = alltrue([for role in values(var.roles) : contains(["user", "any"], role.session_name)])
    error_message = "A role's `session_name` is \"user\" (the name of the IAM user who assumes it) or \"any\"."
  }

  # IAM allows sessions of 1 to 12 hours (IAM API reference, CreateRole, MaxSessionDuration).
  validation {
    condition = alltrue([for role in values(var.roles) :
      role.max_session_hours >= 1 && role.max_session_hours <= 12 && floor(role.max_session_hours) == role.max_session_hours
    ])
    error_message = "A role's `max_session_hours` is a whole number from 1 to 12."
  }

  validation {
    condition = alltrue([for role in values(var.roles) :
      role.conditions == null || can(keys(jsondecode(coalesce(role.conditions, "{}"))))
    ])
    error_message = "A role's `conditions` are a JSON object of condition operators, as text: '{\"ArnLike\": {...}}'."
  }

  validation {
    condition     = alltrue(flatten([for role in values(var.roles) : [for policy in values(role.inline_policies) : can(jsondecode(policy).Statement)]]))
    error_message = "Each inline policy is a JSON policy document, as text, with a `Statement`."
  }

  # Revocations write policies of these names into the roles, and the module leaves those alone.
  validation {
    condition     = alltrue(flatten([for role in values(var.roles) : [for name in keys(role.inline_policies) : !startswith(name, "banto-revoked")]]))
    error_message = "Names of inline policies that begin with banto-revoked are for revocations: choose another name."
  }

  validation {
    condition     = alltrue(flatten([for role in values(var.roles) : [for key in keys(role.tags) : lower(key) != "banto:managed"]]))
    error_message = "The tag banto:managed is Banto's own: the module sets it on each role."
  }
}

variable "patterns" {
  description = "Ready patterns to make besides (admin, readonly, billing, terraform-plan, terraform-apply): for each, the accounts that it trusts, and further conditions of its trust policy."
  type = map(object({
    trusted    = set(string)
    conditions = optional(string)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.patterns) : contains(["admin", "readonly", "billing", "terraform-plan", "terraform-apply"], name)])
    error_message = "The patterns are admin, readonly, billing, terraform-plan and terraform-apply. Anything else is a role of its own: put it in `roles`."
  }

  validation {
    condition     = alltrue([for name in keys(var.patterns) : !contains([for role in keys(var.roles) : lower(role)], name)])
    error_message = "A role can't be in `roles` and in `patterns`: take it out of one of them."
  }

  # A pipeline has no second factor, so that without a condition everybody whom the trusted account lets could assume the role.
  validation {
    condition     = alltrue([for name, pattern in var.patterns : !startswith(name, "terraform-") || pattern.conditions != null])
    error_message = "The patterns terraform-plan and terraform-apply ask for no second factor: say in `conditions` whose they are, as in '{\"ArnLike\": {\"aws:PrincipalArn\": \"arn:aws:iam::999988887777:role/banto/pipeline-plan-*\"}}'."
  }

  validation {
    condition = alltrue([for pattern in values(var.patterns) :
      length(pattern.trusted) > 0 && alltrue([for account in pattern.trusted : can(regex("^[0-9]{12}$", account))])
    ])
    error_message = "Each pattern names in `trusted` at least one account, each by its twelve digits."
  }

  validation {
    condition = alltrue([for pattern in values(var.patterns) :
      pattern.conditions == null || can(keys(jsondecode(coalesce(pattern.conditions, "{}"))))
    ])
    error_message = "A pattern's `conditions` are a JSON object of condition operators, as text: '{\"ArnLike\": {...}}'."
  }
}
