variables {
  banto = {
    organization = { management_account = "999988887777" }
    rotation = {
      accounts = [{
        id                 = "111122223333"
        role               = { arn = "arn:aws:iam::111122223333:role/banto/rotate-access-keys" }
        assume             = false
        break_glass        = "arn:aws:iam::111122223333:role/emergency/break-glass"
        certificate_bucket = "banto-certificates-111122223333"
        certificate_prefix = "certs/"
      }]
      groups = ["access-keys"]
    }
    onboarding = { roles = {
      readonly       = { trusted = ["111122223333"] }
      admin          = { trusted = ["111122223333"] }
      terraform-plan = { trusted = ["999988887777"] }
    } }
  }
  account_id      = "111122223333"
  organization_id = "o-exampleorgid"
  users = {
    alice = { groups = ["developers"], access_key = true, slack = "U024BE7LH", tags = { team = "payments" } }
    bob   = { groups = ["developers"], path = "/people/" }
    robot = { machine = true, access_key = true }
  }
  groups = {
    developers = { roles = ["readonly"] }
    on-call    = { roles = ["admin", "readonly"], accounts = ["444455556666"] }
  }
  break_glass = { users = ["bob"] }
}

run "the_management_account_is_no_identity_account" {
  command = plan

  variables {
    banto = {
      organization = { management_account = "111122223333" }
      rotation = { accounts = [{
        id                 = "111122223333"
        role               = { arn = "arn:aws:iam::111122223333:role/banto/rotate-access-keys" }
        certificate_bucket = "banto-certificates-111122223333"
        certificate_prefix = "certs/"
      }] }
    }
    break_glass = null
  }

  expect_failures = [var.account_id]
}

run "an_account_that_the_policy_does_not_have_is_refused" {
  command = plan

  variables {
    banto = {
      organization = { management_account = "999988887777" }
      rotation = { accounts = [{
        id                 = "444455556666"
        role               = { arn = "arn:aws:iam::111122223333:role/banto/rotate-access-keys" }
        certificate_bucket = "banto-certificates-111122223333"
        certificate_prefix = "certs/"
      }] }
    }
    break_glass = null
  }

  expect_failures = [var.account_id]
}

run "a_policy_without_rotation_is_refused" {
  command = plan

  variables {
    banto = {
      organization = { management_account = "999988887777" }
      rotation     = null
    }
    break_glass = null
  }

  expect_failures = [var.banto]
}

run "a_group_that_only_the_policy_has_is_refused" {
  command = plan

  variables {
    banto = {
      organization = { management_account = "999988887777" }
      rotation = { accounts = [{
        id                 = "111122223333"
        role               = { arn = "arn:aws:iam::111122223333:role/banto/rotate-access-keys" }
        certificate_bucket = "banto-certificates-111122223333"
        certificate_prefix = "certs/"
        }]
      groups = ["robots"] }
    }
    break_glass = null
  }

  expect_failures = [var.access_key_group]
}

run "a_comma_in_a_name_is_refused" {
  command = plan

  variables {
    users = { "alice,bob" = {}, bob = {} }
  }

  expect_failures = [var.users]
}

run "a_name_that_no_session_can_have_is_refused" {
  command = plan

  variables {
    users = { a = {}, bob = {} }
  }

  expect_failures = [var.users]
}

run "more_roles_and_accounts_than_a_policy_holds_are_refused" {
  command = plan

  variables {
    groups = {
      developers = { roles = ["readonly"], accounts = [for n in range(200) : format("%012d", n)] }
    }
  }

  expect_failures = [aws_iam_group_policy.roles]
}

run "names_that_iam_takes_for_one_are_refused" {
  command = plan

  variables {
    users = { alice = {}, Alice = {}, bob = {} }
  }

  expect_failures = [var.users]
}

run "a_path_without_its_slash_is_refused" {
  command = plan

  variables {
    users = { bob = { path = "/people" } }
  }

  expect_failures = [var.users]
}

run "a_path_where_nobody_looks_for_leavers_is_refused" {
  command = plan

  variables {
    path_prefix = "/people/"
    users       = { bob = { path = "/robots/" } }
  }

  expect_failures = [var.users]
}

run "a_group_that_is_not_there_is_refused" {
  command = plan

  variables {
    users = { bob = { groups = ["developer"] } }
  }

  expect_failures = [var.users]
}

run "the_group_of_access_keys_is_not_joined_by_hand" {
  command = plan

  variables {
    users = { bob = { groups = ["access-keys"] } }
  }

  expect_failures = [var.users]
}

run "more_groups_than_iam_allows_are_refused" {
  command = plan

  variables {
    users  = { bob = { groups = ["a", "b", "c", "d", "e", "f", "g", "h"] } }
    groups = { a = {}, b = {}, c = {}, d = {}, e = {}, f = {}, g = {}, h = {} }
  }

  expect_failures = [var.users]
}

run "bantos_own_tags_are_refused" {
  command = plan

  variables {
    users = { bob = { tags = { "Banto:OpenPGP" = "D1A66E1A23B182C9980F788CFBFCC82A015E7330" } } }
  }

  expect_failures = [var.users]
}

run "a_slack_name_is_no_member_id" {
  command = plan

  variables {
    users = { bob = { slack = "@bob" } }
  }

  expect_failures = [var.users]
}

run "a_wildcard_is_no_role" {
  command = plan

  variables {
    groups = { developers = { roles = ["*"] } }
  }

  expect_failures = [var.groups]
}

run "a_role_that_does_not_trust_this_account_is_refused" {
  command = plan

  variables {
    groups = { developers = { roles = ["terraform-plan"] } }
  }

  expect_failures = [var.groups]
}

run "an_account_has_twelve_digits" {
  command = plan

  variables {
    groups = { developers = { roles = ["readonly"], accounts = ["payments"] } }
  }

  expect_failures = [var.groups]
}

run "a_group_with_the_name_of_one_of_the_modules_own_one_is_refused" {
  command = plan

  variables {
    groups = { developers = {}, banto-users = {} }
  }

  expect_failures = [var.groups]
}

run "a_group_with_the_name_of_that_of_the_keys_is_refused" {
  command = plan

  variables {
    groups = { developers = {}, access-keys = {} }
  }

  expect_failures = [var.access_key_group]
}

run "versions_that_end_within_a_year_are_refused" {
  command = plan

  variables {
    certificate_versions_days = 30
  }

  expect_failures = [var.certificate_versions_days]
}

run "a_registry_of_everybody_is_refused" {
  command = plan

  variables {
    registry_roles = ["arn:aws:iam::111122223333:role/*"]
  }

  expect_failures = [var.registry_roles]
}

run "break_glass_for_nobody_is_refused" {
  command = plan

  variables {
    break_glass = { users = [] }
  }

  expect_failures = [var.break_glass]
}

run "break_glass_for_a_machine_is_refused" {
  command = plan

  variables {
    break_glass = { users = ["robot"] }
  }

  expect_failures = [var.break_glass]
}

run "break_glass_that_the_policy_does_not_name_is_refused" {
  command = plan

  variables {
    banto = {
      organization = { management_account = "999988887777" }
      rotation = { accounts = [{
        id                 = "111122223333"
        role               = { arn = "arn:aws:iam::111122223333:role/banto/rotate-access-keys" }
        certificate_bucket = "banto-certificates-111122223333"
        certificate_prefix = "certs/"
      }] }
    }
  }

  expect_failures = [var.break_glass]
}
