variable "account_id" {
  type        = string
  description = "The hub account's id: the account that the provider works in."
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is \"${var.account_id}\", and must be twelve digits, as in \"999988887777\"."
  }
}

variable "region" {
  type        = string
  description = "The hub's region, where the state bucket lies."
  nullable    = false
}

variable "github_organization" {
  type        = object({ name = string, id = string })
  description = "The organization on GitHub that owns the repositories: its name as GitHub spells it, and its id (`gh api orgs/example-org --jq .id`)."
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z][0-9A-Za-z-]{0,38}$", var.github_organization.name))
    error_message = "github_organization.name is \"${var.github_organization.name}\", and must be a name on GitHub alone, as in \"example-org\"."
  }

  validation {
    condition     = can(regex("^[1-9][0-9]*$", var.github_organization.id))
    error_message = "github_organization.id is \"${var.github_organization.id}\", and must be digits: `gh api orgs/${var.github_organization.name} --jq .id` prints them."
  }
}

variable "repositories" {
  description = "The repositories by name, and in each its roots by slug. `owner` is said where a repository belongs to another owner than `github_organization`. A root's `accounts` are those whose terraform-plan and terraform-apply it may assume. `administers_hub` is true for a root that names the hub account among them."
  type = map(object({
    id    = string
    owner = optional(object({ name = string, id = string }))
    roots = map(object({
      accounts        = set(string)
      administers_hub = optional(bool, false)
    }))
  }))
  nullable = false

  # GitHub's names of repositories. They end up in `sub`, where a colon would begin another part and an asterisk would be no letter.
  validation {
    condition     = alltrue([for name in keys(var.repositories) : can(regex("^[0-9A-Za-z._-]{1,100}$", name))])
    error_message = "These are no names of repositories: ${join(", ", [for name in keys(var.repositories) : name if !can(regex("^[0-9A-Za-z._-]{1,100}$", name))])}. Write the name alone, without its owner, as in \"banto\"."
  }

  validation {
    condition     = alltrue([for repository in values(var.repositories) : can(regex("^[1-9][0-9]*$", repository.id))])
    error_message = "The id of these repositories must be digits (`gh api repos/example-org/banto --jq .id`): ${join(", ", [for name, repository in var.repositories : name if !can(regex("^[1-9][0-9]*$", repository.id))])}."
  }

  validation {
    condition     = length(distinct([for repository in values(var.repositories) : repository.id])) == length(var.repositories)
    error_message = "Two repositories have the same id: one of them would be trusted under the name of the other. `gh api repos/example-org/banto --jq .id` prints the right one."
  }

  validation {
    condition = alltrue([for repository in values(var.repositories) :
      repository.owner == null || (can(regex("^[0-9A-Za-z][0-9A-Za-z-]{0,38}$", repository.owner.name)) && can(regex("^[1-9][0-9]*$", repository.owner.id)))
    ])
    error_message = "A repository's `owner` has the owner's `name` on GitHub and its `id` in digits, as in { name = \"example-org\", id = \"12345678\" }."
  }

  # IAM API reference, CreateRole: a role's name has 64 characters at the most, and `pipeline-apply-` takes 15 of them. 40 leave room.
  validation {
    condition     = alltrue(flatten([for repository in values(var.repositories) : [for slug in keys(repository.roots) : can(regex("^[a-z0-9-]{1,40}$", slug))]]))
    error_message = "These names of roots are too long or have other characters: ${join(", ", flatten([for repository in values(var.repositories) : [for slug in keys(repository.roots) : slug if !can(regex("^[a-z0-9-]{1,40}$", slug))]]))}. A root's name has 1 to 40 small letters, digits and hyphens: the role pipeline-apply-NAME must fit into IAM's 64 characters."
  }

  validation {
    condition     = length(distinct(flatten([for repository in values(var.repositories) : keys(repository.roots)]))) == length(flatten([for repository in values(var.repositories) : keys(repository.roots)]))
    error_message = "A root of this name is in two repositories: ${join(", ", distinct([for slug in flatten([for repository in values(var.repositories) : keys(repository.roots)]) : slug if length([for repository in values(var.repositories) : slug if contains(keys(repository.roots), slug)]) > 1]))}. Both would have the same roles and the same state: rename one of them."
  }

  validation {
    condition = alltrue(flatten([for repository in values(var.repositories) : [for root in values(repository.roots) :
      length(root.accounts) > 0 && alltrue([for account in root.accounts : can(regex("^[0-9]{12}$", account))])
    ]]))
    error_message = "Each root names at least one account, each by its twelve digits, as in \"111122223333\". It is otherwise in: ${join(", ", flatten([for repository in values(var.repositories) : [for slug, root in repository.roots : slug if length(root.accounts) == 0 || !alltrue([for account in root.accounts : can(regex("^[0-9]{12}$", account))])]]))}."
  }

  # IAM user guide, "IAM and AWS STS quotas": the inline policies of a role have 10,240 characters. An account takes 49 of them, and
  # the rest of the policy less than 2,000.
  validation {
    condition     = alltrue(flatten([for repository in values(var.repositories) : [for root in values(repository.roots) : length(root.accounts) <= 150]]))
    error_message = "These roots name more than 150 accounts, and the policy of their roles would not fit into IAM's 10,240 characters: ${join(", ", flatten([for repository in values(var.repositories) : [for slug, root in repository.roots : slug if length(root.accounts) > 150]]))}. Split the root."
  }

  validation {
    condition     = alltrue(flatten([for repository in values(var.repositories) : [for root in values(repository.roots) : root.administers_hub == contains(root.accounts, var.account_id)]]))
    error_message = "`administers_hub` must be true for the roots that name the hub account, ${var.account_id}, and for no others: as terraform-apply such a root can change the pipeline itself. It is otherwise in: ${join(", ", flatten([for repository in values(var.repositories) : [for slug, root in repository.roots : slug if root.administers_hub != contains(root.accounts, var.account_id)]]))}."
  }
}

variable "home" {
  type        = string
  description = "Which of `repositories` is Banto's own, whose workflow shows the page of all roots: its branch main gets the role pipeline-status. Without it there is no such role."
  default     = null

  validation {
    condition     = var.home == null ? true : contains(keys(var.repositories), var.home)
    error_message = "home is \"${coalesce(var.home, "null")}\", and must be one of repositories: ${join(", ", keys(var.repositories))}. One without roots has `roots = {}`."
  }
}

variable "state_bucket" {
  type        = string
  description = "The name of the bucket that holds states, plans and statuses."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.state_bucket))
    error_message = "state_bucket is \"${var.state_bucket}\", and must be 3 to 63 small letters, digits and hyphens, as in \"example-terraform-state-999988887777\"."
  }
}

variable "administrators" {
  type        = set(string)
  description = "ARNs of the people's roles in the hub account that set the bucket up, and that read and write states by hand on the first day and in an emergency. Whoever applies this module must be one of them: all others are denied the bucket. An asterisk stands for any letters, as in the names of IAM Identity Center's roles."
  nullable    = false

  validation {
    condition     = length(var.administrators) > 0
    error_message = "administrators must name at least one role: nobody but the account's root user could change the bucket otherwise."
  }

  # Everything up to the role's name is exact, and the name begins with a letter: `role/*` would let in the pipeline, and everybody.
  validation {
    condition     = alltrue([for arn in var.administrators : can(regex("^arn:aws:iam::${var.account_id}:role/([A-Za-z0-9._/-]+/)?[A-Za-z0-9][^/?]*$", arn))])
    error_message = "administrators are ARNs of roles of the hub account, as in arn:aws:iam::${var.account_id}:role/admin. These are not: ${join(", ", [for arn in var.administrators : arn if !can(regex("^arn:aws:iam::${var.account_id}:role/([A-Za-z0-9._/-]+/)?[A-Za-z0-9][^/?]*$", arn))])}."
  }

  validation {
    condition     = alltrue([for arn in var.administrators : !can(regex(":role/(banto/.*|terraform-apply|terraform-plan|[^/]*pipeline.*)$", arn))])
    error_message = "administrators are people's roles: neither the pipeline's own nor terraform-plan and terraform-apply, which the pipeline assumes."
  }
}

variable "make_provider" {
  type        = bool
  description = "Whether GitHub's OIDC provider is made. False where the account has it already: an account has one for each address."
  default     = true
  nullable    = false
}

variable "plan_days" {
  type        = number
  description = "After how many days a plan is deleted. It holds what its state holds, secrets among it, and is of no use once its root has changed."
  default     = 7 # A change that was planned before a week-end can be approved after it, and a plan that is older should be made anew.
  nullable    = false

  validation {
    condition     = var.plan_days >= 1 && var.plan_days <= 30 && floor(var.plan_days) == var.plan_days
    error_message = "plan_days is a whole number from 1 to 30: GitHub waits 30 days for an approval, and then the plan can't be applied any more."
  }
}

variable "state_versions_days" {
  type        = number
  description = "After how many days an earlier version of a state is deleted. The latest twenty stay however old they are."
  default     = 90 # A quarter: what somebody broke unseen is found by then, and secrets that were replaced don't stay for ever.
  nullable    = false

  validation {
    condition     = var.state_versions_days >= 7 && floor(var.state_versions_days) == var.state_versions_days
    error_message = "state_versions_days is a whole number, 7 or more: an earlier state is what a broken one is repaired from."
  }
}
