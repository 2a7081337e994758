# The roles that most organizations want. They are those of the example's banto.toml.

locals {
  ready = {
    admin = {
      description       = "Everything, for those on call"
      mfa               = true
      session_name      = "user"
      max_session_hours = 4 # A night's incident is worked on in one session or two.
      managed_policies  = ["arn:aws:iam::aws:policy/AdministratorAccess"]
      inline_policies   = {}
    }
    readonly = {
      description       = "Look, don't touch"
      mfa               = true
      session_name      = "user"
      max_session_hours = 8 # A working day.
      managed_policies  = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
      # Whoever looks reads no secret, whatever AWS puts into ReadOnlyAccess.
      inline_policies = {
        no-secrets = jsonencode({
          Version   = "2012-10-17"
          Statement = [{ Effect = "Deny", Action = "secretsmanager:GetSecretValue", Resource = "*" }]
        })
      }
    }
    billing = {
      description       = "Costs and invoices"
      mfa               = true
      session_name      = "user"
      max_session_hours = 1
      managed_policies  = ["arn:aws:iam::aws:policy/job-function/Billing"]
      inline_policies   = {}
    }
    # A pipeline has no second factor and no user's name.
    terraform-plan = {
      description       = "What a plan reads"
      mfa               = false
      session_name      = "any"
      max_session_hours = 1 # A role that is assumed from a role's session gets an hour at the most (IAM user guide, "Role chaining").
      managed_policies  = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
      inline_policies   = {}
    }
    terraform-apply = {
      description       = "What an apply changes"
      mfa               = false
      session_name      = "any"
      max_session_hours = 1
      managed_policies  = ["arn:aws:iam::aws:policy/AdministratorAccess"]
      inline_policies   = {}
    }
  }

  patterns = {
    for name, pattern in var.patterns : name => merge(local.ready[name], {
      trusted    = pattern.trusted
      conditions = pattern.conditions
      boundary   = null
      tags       = {}
    })
  }

  roles = merge(
    { for name, role in var.roles : name => role },
    { for name, role in local.patterns : name => role },
  )
}
