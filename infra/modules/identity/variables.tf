variable "banto" {
  description = "What banto.toml says, as `banto config export` writes it: hand the roots' `var.banto` on whole."
  type = object({
    organization = optional(object({
      management_account = string
    }))
    rotation = optional(object({
      accounts = list(object({
        id                 = string
        role               = object({ arn = string })
        assume             = optional(bool, true)
        break_glass        = optional(string)
        certificate_bucket = string
        certificate_prefix = string
      }))
      groups = optional(set(string), [])
    }))
    onboarding = optional(object({
      roles = optional(map(object({ trusted = set(string) })), {})
    }))
  })
  nullable = false

  validation {
    condition     = var.banto.rotation != null
    error_message = "banto.toml has no [rotation]: name the identity account in [[rotation.accounts]], and run banto config export."
  }
}

variable "account_id" {
  description = "The identity account's id: the account that the provider works in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account's id has twelve digits."
  }

  # SCPs are what keeps keys and tags in the right hands, and they don't reach the management account
  # (Organizations user guide, "Service control policies").
  validation {
    condition     = var.account_id != try(var.banto.organization.management_account, null)
    error_message = "The identity account is the management account: service control policies don't reach that. Let users live in a member account."
  }

  validation {
    condition     = var.banto.rotation == null || contains([for account in try(var.banto.rotation.accounts, []) : account.id], var.account_id)
    error_message = "banto.toml has no [[rotation.accounts]] with this id: add it, and run banto config export."
  }
}

variable "organization_id" {
  description = "The Organization's id: roles can be assumed in its accounts only."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "An Organization's id is o- and 10 to 32 letters and digits, as data.aws_organizations_organization has it."
  }
}

variable "users" {
  description = "The users by name. Keys are for whom `access_key` says; all others sign in by `aws login`. A `machine` is a program: it has no second factor and does not sign in. `slack` is the member id that a new user starts with; later it is the user's own. The service control policies let nobody but `slack_provisioners` of the module organization make a user with it: name the role that applies this module there first, or AWS denies it."
  type = map(object({
    path       = optional(string)
    groups     = optional(set(string), [])
    access_key = optional(bool, false)
    machine    = optional(bool, false)
    slack      = optional(string)
    tags       = optional(map(string), {})
  }))
  nullable = false

  # IAM allows a comma, too. The name of such a user's record spells it out, which no variable of IAM's can. And it allows a single
  # character, which no session of a role may have for a name (STS API reference, AssumeRole).
  validation {
    condition     = alltrue([for name in keys(var.users) : can(regex("^[0-9A-Za-z+=.@_-]{2,64}$", name))])
    error_message = "A user's name has 2 to 64 letters, digits and + = . @ _ - (and no comma)."
  }

  validation {
    condition     = length(distinct([for name in keys(var.users) : lower(name)])) == length(var.users)
    error_message = "Two users differ in the case of their letters only: IAM takes them for one. Rename one of them."
  }

  validation {
    condition = alltrue([for user in values(var.users) :
      user.path == null || (can(regex("^/([!-.0-~]+/)*$", coalesce(user.path, "/"))) && startswith(coalesce(user.path, "/"), var.path_prefix))
    ])
    error_message = "A user's `path` begins and ends with a slash, and begins with `path_prefix`: the module looks for leavers there only."
  }

  validation {
    condition     = alltrue(flatten([for user in values(var.users) : [for group in user.groups : contains(keys(var.groups), group)]]))
    error_message = "Users are in groups that `groups` does not have: ${join(", ", flatten([for name, user in var.users : [for group in user.groups : "${name} in ${group}" if !contains(keys(var.groups), group)]]))}. Add the groups, or correct their names. Groups for access keys, machines and break glass are the module's own."
  }

  # IAM lets a user be in ten groups (IAM user guide, "IAM and AWS STS quotas"). Three may be the module's own:
  # that of all people, that of access keys, and that of break glass.
  validation {
    condition     = alltrue([for user in values(var.users) : length(user.groups) <= 7])
    error_message = "A user is in more than seven groups. IAM allows ten, and three are the module's own: put several roles into one group."
  }

  validation {
    condition     = alltrue([for user in values(var.users) : user.slack == null || can(regex("^[UW][A-Z0-9]{2,20}$", user.slack))])
    error_message = "A user's `slack` is a member id, as in U024BE7LH: Slack shows it in the profile, under \"Copy member ID\"."
  }

  validation {
    condition     = alltrue(flatten([for user in values(var.users) : [for key in keys(user.tags) : !startswith(lower(key), "banto:")]]))
    error_message = "Tags that begin with banto: are set by the module and by the users themselves."
  }
}

variable "groups" {
  description = "The groups by name: the names of the roles that their members may assume, and in which accounts; \"*\" stands for every account of the Organization."
  type = map(object({
    roles    = optional(set(string), [])
    accounts = optional(set(string), ["*"])
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.groups) : can(regex("^[0-9A-Za-z+=,.@_-]{1,128}$", name))])
    error_message = "A group's name has 1 to 128 letters, digits and + = , . @ _ - (IAM API reference, CreateGroup)."
  }

  validation {
    condition     = alltrue([for name in keys(var.groups) : !contains(["banto-users", "banto-machines", "banto-break-glass"], lower(name))])
    error_message = "A group has the name of one of the module's own (banto-users, banto-machines, banto-break-glass): choose another name."
  }

  validation {
    condition     = alltrue(flatten([for group in values(var.groups) : [for account in group.accounts : account == "*" || can(regex("^[0-9]{12}$", account))]]))
    error_message = "A group's `accounts` are ids of twelve digits, or \"*\" for every account of the Organization."
  }

  # Whoever may assume a role of any name may assume those that nobody thought of.
  validation {
    condition     = alltrue(flatten([for group in values(var.groups) : [for role in group.roles : can(regex("^[0-9A-Za-z+=,.@_/-]{1,512}$", role))]]))
    error_message = "A group's `roles` are names of roles, with their path if they have one, and without wildcards."
  }

  validation {
    condition = alltrue(flatten([for group in values(var.groups) : [for role in group.roles :
      contains(try(var.banto.onboarding.roles[role].trusted, [var.account_id]), var.account_id)
    ]]))
    error_message = "A group names a role of [onboarding.roles] that does not trust this account: add the account to the role's `trusted` in banto.toml, or take the role out of the group."
  }
}

variable "access_key_group" {
  description = "The group of all users with an access key. banto.toml includes it: `include = [{ group = \"access-keys\" }]`."
  type        = string
  default     = "access-keys"
  nullable    = false

  validation {
    condition     = !contains([for name in concat(keys(var.groups), ["banto-users", "banto-machines", "banto-break-glass"]) : lower(name)], lower(var.access_key_group))
    error_message = "access_key_group is the name of another group: the module makes that of the access keys itself. Take it out of `groups`."
  }

  # The function asks IAM for the members of each group that the policy names, and fails where there is none.
  validation {
    condition     = alltrue([for group in try(var.banto.rotation.groups, []) : contains(concat(keys(var.groups), [var.access_key_group, "banto-users", "banto-machines"]), group)])
    error_message = "[rotation] of banto.toml names a group that is neither in `groups` nor `access_key_group`: add it, or correct its name."
  }
}

variable "path_prefix" {
  description = "The path of users in IAM. The module looks for leavers there and nowhere else, and new users get it unless they name a longer one."
  type        = string
  default     = "/"
  nullable    = false

  validation {
    condition     = can(regex("^/([!-.0-~]+/)*$", var.path_prefix))
    error_message = "A path begins and ends with a slash, as in /people/."
  }
}

variable "rotator_function" {
  description = "The name of the function rotate-access-keys, which ends a leaver's keys and sessions. Null where it is not there yet: then a leaver who has a key is refused."
  type        = string
  default     = null
}

variable "leavers_at_once" {
  description = "How many users may be taken out of the map by one apply."
  type        = number
  default     = 5 # As many leave on a busy day. A map that was emptied by mistake locks everybody out at once.
  nullable    = false

  validation {
    condition     = var.leavers_at_once >= 1
    error_message = "leavers_at_once is 1 or more."
  }
}

variable "region" {
  description = "The region of rotate-access-keys, where the users' records lie. Null takes the provider's."
  type        = string
  default     = null
}

variable "certificate_bucket" {
  description = "Whether the module makes the bucket of certificates that banto.toml names for this account. False where it is another account's or another module's."
  type        = bool
  default     = true
  nullable    = false
}

variable "certificate_versions_days" {
  description = "Days after which an earlier version of a certificate is deleted. Null keeps all."
  type        = number
  default     = null

  # Earlier versions say since when a certificate has been there, which must reach back further than `rotation.pin_grace_days`;
  # and they are the archive of leavers' certificates. A year covers the default grace of 7 days many times.
  validation {
    condition     = var.certificate_versions_days == null || coalesce(var.certificate_versions_days, 365) >= 365
    error_message = "certificate_versions_days is 365 or more, and more than rotation.pin_grace_days; or null."
  }
}

variable "registry_roles" {
  description = "ARNs of roles that may store and delete certificates besides the users themselves: that of a repository's pipeline, where one holds the certificates."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for role in var.registry_roles : can(regex("^arn:aws:iam::[0-9]{12}:role/[^*?]+$", role))])
    error_message = "registry_roles are ARNs of roles, without wildcards."
  }
}

variable "signing_key" {
  description = "Whether the module makes the KMS key that signs records. Null makes it where the function runs: where banto.toml says `assume = false`."
  type        = bool
  default     = null
}

variable "key_administrators" {
  description = "ARNs of the roles that administer the signing key, the pipeline's among them. Empty leaves that to the account's IAM policies. The account's root user always may."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "break_glass" {
  description = "Who may assume the role `break_glass` of banto.toml: users of the map, with a second factor that is not older than an hour. Null makes no role."
  type = object({
    users = set(string)
  })
  default = null

  validation {
    condition     = var.break_glass == null || alltrue([for user in try(var.break_glass.users, []) : contains(keys(var.users), user) && !try(var.users[user].machine, false)])
    error_message = "break_glass names somebody who is not in `users`, or is a machine."
  }

  validation {
    condition     = var.break_glass == null || length(try(var.break_glass.users, [])) > 0
    error_message = "break_glass names nobody: a role that nobody may assume helps nobody. Name a user, or leave it out."
  }

  validation {
    condition     = var.break_glass == null || try([for account in var.banto.rotation.accounts : account.break_glass if account.id == var.account_id][0], null) != null
    error_message = "banto.toml has no `break_glass` for this account: name the role there, so that records let it in, and run banto config export."
  }
}
