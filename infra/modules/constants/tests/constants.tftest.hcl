run "nobody_is_in_the_default_networks" {
  assert {
    condition     = jsonencode(output.company_cidrs) == jsonencode(["192.0.2.0/24", "2001:db8::/32"])
    error_message = "the defaults are somebody's networks"
  }
}

run "a_role_can_ask_for_the_companys_networks_in_any_order" {
  variables {
    company_cidrs_v4 = ["203.0.113.0/24", "198.51.100.0/24"]
    company_cidrs_v6 = []
    accounts         = { identity = "111122223333" }
  }
  assert {
    condition     = output.from_company == jsonencode({ IpAddress = { "aws:SourceIp" = ["198.51.100.0/24", "203.0.113.0/24"] } })
    error_message = "another condition: ${output.from_company}"
  }
  assert {
    condition     = output.accounts["identity"] == "111122223333"
    error_message = "another account"
  }
}

run "a_company_without_networks" {
  command = plan
  variables {
    company_cidrs_v4 = []
    company_cidrs_v6 = []
  }
  expect_failures = [output.from_company]
}

run "a_network_by_another_than_its_first_address" {
  command = plan
  variables {
    company_cidrs_v4 = ["203.0.113.7/24"]
  }
  expect_failures = [var.company_cidrs_v4]
}

run "a_private_network" {
  command = plan
  variables {
    company_cidrs_v4 = ["172.20.0.0/16"]
  }
  expect_failures = [var.company_cidrs_v4]
}

run "the_world" {
  command = plan
  variables {
    company_cidrs_v4 = ["0.0.0.0/0"]
  }
  expect_failures = [var.company_cidrs_v4]
}

run "the_world_of_ipv6" {
  command = plan
  variables {
    company_cidrs_v6 = ["::/0"]
  }
  expect_failures = [var.company_cidrs_v6]
}

run "ipv4_among_ipv6" {
  command = plan
  variables {
    company_cidrs_v6 = ["203.0.113.0/24"]
  }
  expect_failures = [var.company_cidrs_v6]
}

run "an_account_by_its_name" {
  command = plan
  variables {
    accounts = { identity = "identity" }
  }
  expect_failures = [var.accounts]
}

run "an_account_of_two_names" {
  command = plan
  variables {
    accounts = { identity = "111122223333", people = "111122223333" }
  }
  expect_failures = [var.accounts]
}

run "a_contact_that_is_no_address" {
  command = plan
  variables {
    contacts = { security = "security" }
  }
  expect_failures = [var.contacts]
}

run "a_tag_of_bantos_own" {
  command = plan
  variables {
    tags = { "Banto:managed" = "true" }
  }
  expect_failures = [var.tags]
}
