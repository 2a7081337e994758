# Users who were taken out of the map. Terraform would destroy them in the same apply: their keys with them, or, where AWS refuses that,
# nothing at all. So they stay, shut out, until they have no key left:
#
# 1. The apply that finds a user of the module's who is not in the map denies everything to the user, takes the user out of all groups,
#    and has rotate-access-keys end keys and sessions, keep record and certificate, and report. The tag banto:identity then says "left".
# 2. As long as there is a key, active or not, the user stays so. rotate-access-keys deletes the keys when their time for recovery is over.
# 3. The first apply after that destroys the user.
#
# A user without a key goes the same way, in two applies: sessions and roles are ended before the user is gone.

data "aws_iam_users" "this" {
  path_prefix = var.path_prefix
}

locals {
  in_the_map = [for name in keys(var.users) : lower(name)]
  others     = toset([for name in coalesce(data.aws_iam_users.this.names, []) : name if !contains(local.in_the_map, lower(name))])
}

data "aws_iam_user" "others" {
  for_each = local.others

  user_name = each.key
}

locals {
  # Users whom the module made, by their tag. All others are somebody else's. Nothing that a data source shows tells a forged tag from a
  # true one, and a state can't be asked which users it has. So the service control policy banto-pins holds who may set the tag.
  ours = {
    for name, user in data.aws_iam_user.others : name => {
      path = user.path
      tags = user.tags
      left = user.tags["banto:identity"] == "left"
    } if contains(["managed", "left"], try(user.tags["banto:identity"], ""))
  }
}

data "aws_iam_access_keys" "ours" {
  for_each = local.ours

  user = each.key
}

locals {
  keys    = { for name in keys(local.ours) : name => length(data.aws_iam_access_keys.ours[name].access_keys) }
  leavers = { for name, user in local.ours : name => user if local.keys[name] > 0 || !user.left }

  leaving_now   = [for name, user in local.leavers : name if !user.left]
  left_with_key = [for name in keys(local.leavers) : name if local.keys[name] > 0]

  # A leaver's password, devices and policies go with the user, which takes force_destroy in the state before the user is destroyed.
  # It would delete keys, too. But a leaver is destroyed only after a plan that saw no key, rotate-access-keys makes none for whoever
  # left, and the service control policies let neither the pipeline nor anybody else make or delete one.
  staying = {
    for name, user in local.leavers : name => {
      path          = user.path
      tags          = merge(user.tags, { "banto:identity" = "left" })
      force_destroy = true
    }
  }
}

resource "aws_iam_policy" "left" {
  #checkov:skip=CKV_AWS_290:It denies everything and allows nothing.
  #checkov:skip=CKV_AWS_355:It denies everything and allows nothing.
  name        = "left"
  path        = "/banto/"
  description = "Denies everything to whoever left"
  policy      = jsonencode(jsondecode(file("${path.module}/policies/left.json")))

  lifecycle {
    precondition {
      condition     = var.rotator_function != null || length(local.left_with_key) == 0
      error_message = "Not in `users` any more, and with access keys: ${join(", ", local.left_with_key)}. Name rotate-access-keys in `rotator_function`, so that it ends the keys; or put them back into `users` until it is there."
    }

    precondition {
      condition     = length(local.leaving_now) <= var.leavers_at_once
      error_message = "${length(local.leaving_now)} users are not in `users` any more: ${join(", ", local.leaving_now)}. If all of them leave, set `leavers_at_once` to ${length(local.leaving_now)} for this apply. If not, put them back."
    }
  }
}

# It names the user by text and not by reference: the door is shut whatever becomes of the rest of the apply.
resource "aws_iam_user_policy_attachment" "left" {
  #checkov:skip=CKV_AWS_40:A denial for one person. A group would have to be made for it, and its quota may be full.
  for_each = local.leavers

  user       = each.key
  policy_arn = aws_iam_policy.left.arn
}

# An error of the function fails the apply, and the next one invokes it again.
resource "aws_lambda_invocation" "leave" {
  for_each = { for name, user in local.leavers : name => user if var.rotator_function != null }

  function_name   = var.rotator_function
  input           = jsonencode({ account = var.account_id, users = [each.key], mode = "leave" })
  lifecycle_scope = "CREATE_ONLY"
}
