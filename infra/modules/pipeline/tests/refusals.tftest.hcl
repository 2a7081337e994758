variables {
  account_id          = "999988887777"
  region              = "ap-northeast-1"
  github_organization = { name = "example-org", id = "12345678" }
  state_bucket        = "example-terraform-state-999988887777"
  administrators      = ["arn:aws:iam::999988887777:role/admin"]
  repositories        = { banto = { id = "1", roots = { identity = { accounts = ["111122223333"] } } } }
}

run "a_root_in_two_repositories_is_refused" {
  command = plan
  variables {
    repositories = {
      banto = { id = "1", roots = { identity = { accounts = ["111122223333"] } } }
      shop  = { id = "2", roots = { identity = { accounts = ["222233334444"] } } }
    }
  }
  expect_failures = [var.repositories]
}

run "a_name_that_iam_has_no_room_for_is_refused" {
  command = plan
  variables { repositories = { banto = { id = "1", roots = { "a23456789012345678901234567890123456789012" = { accounts = ["111122223333"] } } } } }
  expect_failures = [var.repositories]
}

run "a_name_that_matches_more_than_itself_is_refused" {
  command = plan
  variables { repositories = { banto = { id = "1", roots = { "identity*" = { accounts = ["111122223333"] } } } } }
  expect_failures = [var.repositories]
}

run "an_account_without_twelve_digits_is_refused" {
  command = plan
  variables { repositories = { banto = { id = "1", roots = { identity = { accounts = ["11112222333"] } } } } }
  expect_failures = [var.repositories]
}

run "a_root_without_an_account_is_refused" {
  command = plan
  variables { repositories = { banto = { id = "1", roots = { identity = { accounts = [] } } } } }
  expect_failures = [var.repositories]
}

run "more_accounts_than_a_policy_holds_are_refused" {
  command = plan
  variables { repositories = { banto = { id = "1", roots = { all = { accounts = [for number in range(151) : format("%012d", number)] } } } } }
  expect_failures = [var.repositories]
}

run "as_many_accounts_as_are_allowed_fit_into_a_policy" {
  variables { repositories = { banto = { id = "1", roots = { "a234567890123456789012345678901234567890" = { accounts = [for number in range(150) : format("%012d", number)] } } } } }
  assert {
    condition     = alltrue([for policy in values(aws_iam_role_policy.this) : length(policy.policy) <= 10240])
    error_message = "the longest policy has ${max([for policy in values(aws_iam_role_policy.this) : length(policy.policy)]...)} characters"
  }
}

run "a_root_that_names_the_hub_unsaid_is_refused" {
  command = plan
  variables { repositories = { banto = { id = "1", roots = { management = { accounts = ["999988887777"] } } } } }
  expect_failures = [var.repositories]
}

run "an_administrator_of_the_hub_that_does_not_name_it_is_refused" {
  command = plan
  variables { repositories = { banto = { id = "1", roots = { identity = { accounts = ["111122223333"], administers_hub = true } } } } }
  expect_failures = [var.repositories]
}

run "a_repository_with_its_owner_is_refused" {
  command = plan
  variables { repositories = { "example-org/banto" = { id = "1", roots = {} } } }
  expect_failures = [var.repositories]
}

run "a_repositorys_id_that_is_a_name_is_refused" {
  command = plan
  variables { repositories = { banto = { id = "banto", roots = {} } } }
  expect_failures = [var.repositories]
}

run "two_repositories_with_one_id_are_refused" {
  command = plan
  variables { repositories = { banto = { id = "1", roots = {} }, shop = { id = "1", roots = {} } } }
  expect_failures = [var.repositories]
}

run "an_owner_without_an_id_is_refused" {
  command = plan
  variables { repositories = { banto = { id = "1", owner = { name = "example-shop", id = "" }, roots = {} } } }
  expect_failures = [var.repositories]
}

run "an_organization_with_a_slash_is_refused" {
  command = plan
  variables { github_organization = { name = "example-org/banto", id = "12345678" } }
  expect_failures = [var.github_organization]
}

run "an_organizations_id_that_is_a_pattern_is_refused" {
  command = plan
  variables { github_organization = { name = "example-org", id = "*" } }
  expect_failures = [var.github_organization]
}

run "nobody_who_sets_the_bucket_up_is_refused" {
  command = plan
  variables { administrators = [] }
  expect_failures = [var.administrators]
}

run "everybody_as_administrator_is_refused" {
  command = plan
  variables { administrators = ["arn:aws:iam::999988887777:role/*"] }
  expect_failures = [var.administrators]
}

run "an_administrator_of_another_account_is_refused" {
  command = plan
  variables { administrators = ["arn:aws:iam::111122223333:role/admin"] }
  expect_failures = [var.administrators]
}

run "the_pipeline_as_administrator_is_refused" {
  command = plan
  variables { administrators = ["arn:aws:iam::999988887777:role/terraform-apply"] }
  expect_failures = [var.administrators]
}

run "a_role_of_identity_center_is_an_administrator" {
  command = plan
  variables { administrators = ["arn:aws:iam::999988887777:role/aws-reserved/sso.amazonaws.com/ap-northeast-1/AWSReservedSSO_AdministratorAccess_*"] }
}

run "a_plan_that_stays_longer_than_an_approval_is_refused" {
  command = plan
  variables { plan_days = 31 }
  expect_failures = [var.plan_days]
}

run "a_state_without_earlier_versions_is_refused" {
  command = plan
  variables { state_versions_days = 1 }
  expect_failures = [var.state_versions_days]
}

run "an_account_id_of_other_letters_is_refused" {
  command = plan
  variables {
    account_id     = "hub"
    administrators = ["arn:aws:iam::hub:role/admin"]
  }
  expect_failures = [var.account_id]
}

run "a_bucket_with_a_slash_is_refused" {
  command = plan
  variables { state_bucket = "states/terraform" }
  expect_failures = [var.state_bucket]
}

run "a_home_that_is_no_repository_is_refused" {
  command = plan
  variables { home = "example-org/banto" }
  expect_failures = [var.home]
}

run "a_home_without_roots_is_not" {
  command = plan
  variables {
    home         = "banto"
    repositories = { banto = { id = "1", roots = {} }, shop = { id = "2", roots = { shop = { accounts = ["111122223333"] } } } }
  }
}

run "more_accounts_than_a_variable_of_github_takes_are_refused" {
  command = plan
  variables {
    repositories = { banto = { id = "1", roots = { for root in range(22) : "root-${root}" => { accounts = [for account in range(150) : format("%012d", account)] } } } }
  }
  expect_failures = [output.github_variables]
}
