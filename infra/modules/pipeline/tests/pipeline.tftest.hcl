variables {
  account_id          = "999988887777"
  region              = "ap-northeast-1"
  github_organization = { name = "example-org", id = "12345678" }
  state_bucket        = "example-terraform-state-999988887777"
  administrators      = ["arn:aws:iam::999988887777:role/admin"]
  home                = "banto"
  repositories = {
    banto = {
      id = "87654321"
      roots = {
        management = { accounts = ["999988887777"], administers_hub = true }
        identity   = { accounts = ["111122223333", "222233334444"] }
      }
    }
    shop = {
      id    = "555"
      owner = { name = "example-shop", id = "777" }
      roots = { shop = { accounts = ["333344445555"] } }
    }
  }
}

run "each_root_has_a_role_to_plan_and_a_role_to_apply" {
  assert {
    condition     = { for phase in ["plan", "apply"] : phase => "${aws_iam_role.this["${phase}-identity"].path}${aws_iam_role.this["${phase}-identity"].name}" } == { plan = "/banto/pipeline-plan-identity", apply = "/banto/pipeline-apply-identity" }
    error_message = "the roles are ${jsonencode(output.roles.identity)}"
  }
  assert {
    condition     = length(aws_iam_role.this) == 7 && alltrue([for key, role in aws_iam_role.this : role.permissions_boundary == aws_iam_policy.boundary[split("-", key)[0]].arn])
    error_message = "a role has no boundary, or that of the other kind"
  }
}

run "a_plan_is_trusted_for_pull_requests_and_main_in_both_exact_forms" {
  assert {
    condition = jsondecode(aws_iam_role.this["plan-identity"].assume_role_policy).Statement == [{
      Effect    = "Allow"
      Principal = { Federated = "arn:aws:iam::999988887777:oidc-provider/token.actions.githubusercontent.com" }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = { StringEquals = {
        "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:sub" = [
          "repo:example-org/banto:pull_request",
          "repo:example-org/banto:ref:refs/heads/main",
          "repo:example-org@12345678/banto@87654321:pull_request",
          "repo:example-org@12345678/banto@87654321:ref:refs/heads/main",
        ]
      } }
    }]
    error_message = "the trust is ${aws_iam_role.this["plan-identity"].assume_role_policy}"
  }
}

run "an_apply_is_trusted_for_its_environment_alone_and_for_another_owner_by_that_owners_id" {
  assert {
    condition     = jsondecode(aws_iam_role.this["apply-shop"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == ["repo:example-shop/shop:environment:shop", "repo:example-shop@777/shop@555:environment:shop"]
    error_message = "the trust is ${aws_iam_role.this["apply-shop"].assume_role_policy}"
  }
}

run "a_plan_reads_its_own_state_and_writes_none" {
  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.this["plan-identity"].policy).Statement : statement.Sid => [statement.Action, statement.Resource] } == {
      AssumesTheAccountsRole = ["sts:AssumeRole", ["arn:aws:iam::111122223333:role/terraform-plan", "arn:aws:iam::222233334444:role/terraform-plan"]]
      SeesWhatIsThere        = ["s3:ListBucket", "arn:aws:s3:::example-terraform-state-999988887777"]
      ReadsItsState          = [["s3:GetObject"], ["arn:aws:s3:::example-terraform-state-999988887777/state/identity.tfstate"]]
      KeepsPlansAndStatus    = [["s3:GetObject", "s3:PutObject"], ["arn:aws:s3:::example-terraform-state-999988887777/plans/identity/*", "arn:aws:s3:::example-terraform-state-999988887777/status/identity.json"]]
    }
    error_message = "the policy is ${aws_iam_role_policy.this["plan-identity"].policy}"
  }
}

run "an_apply_writes_its_own_state_with_its_lock_and_reads_its_own_plans" {
  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.this["apply-identity"].policy).Statement : statement.Sid => [statement.Action, statement.Resource] } == {
      AssumesTheAccountsRole = ["sts:AssumeRole", ["arn:aws:iam::111122223333:role/terraform-apply", "arn:aws:iam::222233334444:role/terraform-apply"]]
      SeesWhatIsThere        = ["s3:ListBucket", "arn:aws:s3:::example-terraform-state-999988887777"]
      KeepsItsStateAndStatus = [["s3:GetObject", "s3:PutObject"], [for key in ["state/identity.tfstate", "state/identity.tfstate.tflock", "status/identity.json"] : "arn:aws:s3:::example-terraform-state-999988887777/${key}"]]
      GivesItsLockBack       = [["s3:DeleteObject"], ["arn:aws:s3:::example-terraform-state-999988887777/state/identity.tfstate.tflock"]]
      ReadsPlans             = [["s3:GetObject"], ["arn:aws:s3:::example-terraform-state-999988887777/plans/identity/*"]]
    }
    error_message = "the policy is ${aws_iam_role_policy.this["apply-identity"].policy}"
  }
}

run "no_boundary_lets_a_role_near_roles_providers_or_the_buckets_settings" {
  assert {
    condition = alltrue([for boundary in values(aws_iam_policy.boundary) : alltrue([
      for action in flatten([for statement in jsondecode(boundary.policy).Statement : statement.Action]) :
      contains(["sts:AssumeRole", "s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"], action)
    ])])
    error_message = "a boundary allows more"
  }
  assert {
    condition = alltrue([for statement in jsondecode(aws_iam_policy.boundary["plan"].policy).Statement :
      !contains(flatten([statement.Action]), "s3:PutObject") || alltrue([for arn in flatten([statement.Resource]) : !can(regex("/state/", arn))])
    ])
    error_message = "a plan may write states: ${aws_iam_policy.boundary["plan"].policy}"
  }
}

run "the_bucket_keeps_versions_and_is_closed_to_all_but_the_pipeline_and_its_administrators" {
  assert {
    condition = { for statement in jsondecode(aws_s3_bucket_policy.state.policy).Statement : statement.Sid => [statement.Effect, try(statement.Condition.ArnNotLike["aws:PrincipalArn"], [])] } == {
      OnlyByTls    = ["Deny", []]
      VersionsStay = ["Deny", []]
      OnlyThePipelineAndAdministratorsReadAndWrite = ["Deny", [
        "arn:aws:iam::999988887777:role/admin",
        "arn:aws:iam::999988887777:role/banto/pipeline-plan-*",
        "arn:aws:iam::999988887777:role/banto/pipeline-apply-*",
        "arn:aws:iam::999988887777:role/banto/pipeline-status",
      ]]
      NoPlanWritesStates        = ["Deny", ["arn:aws:iam::999988887777:role/admin", "arn:aws:iam::999988887777:role/banto/pipeline-apply-*"]]
      OnlyAdministratorsSetItUp = ["Deny", ["arn:aws:iam::999988887777:role/admin"]]
    }
    error_message = "the policy is ${aws_s3_bucket_policy.state.policy}"
  }
  assert {
    condition     = aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled"
    error_message = "versions are not kept"
  }
}

run "plans_go_after_a_week_and_the_latest_twenty_states_stay" {
  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.state.rule : rule.expiration[0].days if rule.id == "plans"] == [7]
    error_message = "plans stay longer"
  }
  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.state.rule : rule.noncurrent_version_expiration[0].newer_noncurrent_versions if rule.id == "states"] == [20]
    error_message = "states go"
  }
}

run "a_session_that_writes_the_state_outlives_the_one_that_changes" {
  assert {
    condition     = aws_iam_role.this["apply-identity"].max_session_duration == 7200 && aws_iam_role.this["plan-identity"].max_session_duration == 3600
    error_message = "sessions are of another length"
  }
}

run "a_provider_that_is_there_is_not_made_again" {
  command = plan
  variables { make_provider = false }
  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0 && output.provider_arn == "arn:aws:iam::999988887777:oidc-provider/token.actions.githubusercontent.com"
    error_message = "the provider is ${output.provider_arn}"
  }
}

run "the_page_of_all_roots_is_trusted_for_main_of_its_home_and_reads_statuses_alone" {
  assert {
    condition     = "${aws_iam_role.this["status"].path}${aws_iam_role.this["status"].name}" == "/banto/pipeline-status"
    error_message = "the role is ${aws_iam_role.this["status"].name}"
  }
  assert {
    condition = jsondecode(aws_iam_role.this["status"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == [
      "repo:example-org/banto:ref:refs/heads/main",
      "repo:example-org@12345678/banto@87654321:ref:refs/heads/main",
    ]
    error_message = "the trust is ${aws_iam_role.this["status"].assume_role_policy}"
  }
  assert {
    condition = alltrue([for document in [aws_iam_role_policy.this["status"].policy, aws_iam_policy.boundary["status"].policy] :
      { for statement in jsondecode(document).Statement : statement.Sid => flatten([statement.Action, statement.Resource]) } == {
        SeesWhatIsThere = ["s3:ListBucket", "arn:aws:s3:::example-terraform-state-999988887777"]
        ReadsStatuses   = ["s3:GetObject", "arn:aws:s3:::example-terraform-state-999988887777/status/*"]
      }
    ])
    error_message = "the policy is ${aws_iam_role_policy.this["status"].policy}"
  }
}

run "without_a_home_there_is_no_role_of_the_page" {
  command = plan
  variables { home = null }
  assert {
    condition     = !contains(keys(aws_iam_role.this), "status") && !contains(keys(aws_iam_policy.boundary), "status") && !strcontains(jsonencode(local.unless), "pipeline-status")
    error_message = "there is one: ${join(", ", keys(aws_iam_role.this))}"
  }
}

run "github_is_told_each_root_with_its_repository_and_its_accounts" {
  assert {
    condition = jsondecode(output.github_variables.BANTO_ROOTS) == {
      management = { repository = "example-org/banto", accounts = ["999988887777"] }
      identity   = { repository = "example-org/banto", accounts = ["111122223333", "222233334444"] }
      shop       = { repository = "example-shop/shop", accounts = ["333344445555"] }
    }
    error_message = "BANTO_ROOTS is ${output.github_variables.BANTO_ROOTS}"
  }
}
