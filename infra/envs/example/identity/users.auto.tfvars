# Whoever joins is added here. Whoever is taken out has left: the next apply ends their keys and sessions first.
groups = {
  developers = { roles = ["readonly"] }
  on-call    = { roles = ["admin", "readonly"] }
  finance    = { roles = ["billing"], accounts = ["999988887777"] }
}

users = {
  alice = { groups = ["developers", "on-call"] }
  bob   = { groups = ["developers"], access_key = true } # a vendor's tool can't sign in without a key
  carol = { groups = ["finance"] }
  ci    = { machine = true, access_key = true }
}
