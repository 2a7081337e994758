run "the_roles_are_those_of_the_stack_sets_template" {
  variables {
    roles = {
      admin = {
        description       = "Everything, for those on call"
        trusted           = ["111122223333"]
        max_session_hours = 4
        managed_policies  = ["arn:aws:iam::aws:policy/AdministratorAccess"]
        boundary          = "arn:aws:iam::aws:policy/AdministratorAccess"
      }
      billing = {
        description      = "Costs and invoices"
        trusted          = ["111122223333"]
        managed_policies = ["arn:aws:iam::aws:policy/job-function/Billing"]
      }
      readonly = {
        description       = "Look, don't touch"
        trusted           = ["111122223333"]
        conditions        = "{\"StringEquals\": {\"aws:PrincipalOrgID\": \"o-exampleorgid\"}}"
        max_session_hours = 8
        managed_policies  = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
        inline_policies   = { no-secrets = "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Deny\", \"Action\": \"secretsmanager:GetSecretValue\", \"Resource\": \"*\"}]}" }
        tags              = { team = "platform" }
      }
    }
  }

  assert {
    condition = alltrue([
      for resource in values(jsondecode(file("../../stacksets/baseline.json")).Resources) : (
        jsonencode(resource.Properties.AssumeRolePolicyDocument) == aws_iam_role.this[resource.Properties.RoleName].assume_role_policy
      ) if resource.Type == "AWS::IAM::Role"
    ])
    error_message = "A trust policy is not that of the template."
  }

  assert {
    condition = alltrue([
      for resource in values(jsondecode(file("../../stacksets/baseline.json")).Resources) : (
        resource.Properties.Description == aws_iam_role.this[resource.Properties.RoleName].description
        && resource.Properties.MaxSessionDuration == aws_iam_role.this[resource.Properties.RoleName].max_session_duration
        && try(resource.Properties.PermissionsBoundary, null) == aws_iam_role.this[resource.Properties.RoleName].permissions_boundary
        && { for tag in resource.Properties.Tags : tag.Key => tag.Value } == { for key, value in aws_iam_role.this[resource.Properties.RoleName].tags : key => value }
        && toset(resource.Properties.ManagedPolicyArns) == aws_iam_role_policy_attachments_exclusive.this[resource.Properties.RoleName].policy_arns
        && { for policy in try(resource.Properties.Policies, []) : policy.PolicyName => jsonencode(policy.PolicyDocument) } == { for key, policy in aws_iam_role_policy.this : policy.name => policy.policy if policy.role == resource.Properties.RoleName }
      ) if resource.Type == "AWS::IAM::Role"
    ])
    error_message = "A role is not that of the template."
  }

  assert {
    condition     = length([for resource in values(jsondecode(file("../../stacksets/baseline.json")).Resources) : resource if resource.Type == "AWS::IAM::Role"]) == length(aws_iam_role.this)
    error_message = "The template has other roles."
  }
}

run "a_role_without_second_factor_and_name_has_its_own_conditions_alone" {
  command = plan

  variables {
    patterns = {
      terraform-plan = {
        trusted    = ["999988887777"]
        conditions = "{\"ArnLike\": {\"aws:PrincipalArn\": \"arn:aws:iam::999988887777:role/banto/pipeline-plan-*\"}}"
      }
    }
    roles = { anybody = { trusted = ["444455556666", "111122223333"], mfa = false, session_name = "any" } }
  }

  assert {
    condition = (
      jsonencode(jsondecode(aws_iam_role.this["terraform-plan"].assume_role_policy).Statement[0].Condition)
      == jsonencode({ ArnLike = { "aws:PrincipalArn" = "arn:aws:iam::999988887777:role/banto/pipeline-plan-*" } })
    )
    error_message = "The pipeline's trust policy is another one."
  }

  assert {
    condition     = !can(jsondecode(aws_iam_role.this["anybody"].assume_role_policy).Statement[0].Condition)
    error_message = "A role that asks for nothing has a condition."
  }

  assert {
    condition     = jsondecode(aws_iam_role.this["anybody"].assume_role_policy).Statement[0].Principal.AWS == ["arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:root"]
    error_message = "The accounts are not in order."
  }
}

run "every_pattern_is_a_role" {
  command = plan

  variables {
    patterns = {
      admin           = { trusted = ["111122223333"] }
      readonly        = { trusted = ["111122223333"] }
      billing         = { trusted = ["111122223333"] }
      terraform-plan  = { trusted = ["999988887777"], conditions = "{\"ArnLike\": {\"aws:PrincipalArn\": \"arn:aws:iam::999988887777:role/banto/pipeline-plan-*\"}}" }
      terraform-apply = { trusted = ["999988887777"], conditions = "{\"ArnLike\": {\"aws:PrincipalArn\": \"arn:aws:iam::999988887777:role/banto/pipeline-apply-*\"}}" }
    }
  }

  assert {
    condition     = length(aws_iam_role.this) == 5 && length(aws_iam_role_policy.this) == 1
    error_message = "Five patterns make five roles."
  }

  # What Banto adds to a condition of the same operator stands beside it.
  assert {
    condition     = jsondecode(aws_iam_role.this["admin"].assume_role_policy).Statement[0].Condition == { Bool = { "aws:MultiFactorAuthPresent" = "true" }, StringEquals = { "sts:RoleSessionName" = "$${aws:username}" } }
    error_message = "admin asks for a second factor and the user's name."
  }
}

run "a_role_is_made_before_anybody_asks_for_its_policies" {
  state_key = "denials"

  variables {
    patterns = { readonly = { trusted = ["111122223333"] } }
  }
}

run "a_denial_of_sessions_survives_and_a_stranger_does_not" {
  command   = plan
  state_key = "denials"

  variables {
    patterns = { readonly = { trusted = ["111122223333"] } }
  }

  override_data {
    target = data.aws_iam_role_policies.this
    values = { policy_names = ["no-secrets", "banto-revoked-alice", "banto-revoked", "banto-backdoor"] }
  }

  assert {
    condition     = aws_iam_role_policies_exclusive.this["readonly"].policy_names == toset(["no-secrets", "banto-revoked-alice", "banto-revoked"])
    error_message = "Only denials of sessions are left beside the role's own policies."
  }
}
