locals {
  users = {
    for name, user in var.users : name => {
      path = coalesce(user.path, var.path_prefix)
      tags = merge(
        user.tags,
        { for key in ["banto:slack"] : key => user.slack if user.slack != null },
        { "banto:identity" = "managed" },
      )
      force_destroy = false
    }
  }
}

resource "aws_iam_user" "this" {
  #checkov:skip=CKV_AWS_273:The module is for organizations whose people are IAM users. They sign in by aws login, without a key.
  for_each = merge(local.users, local.staying)

  name = each.key
  path = each.value.path
  tags = each.value.tags

  # The provider deletes a user's password, devices and policies for it, and access keys as well (resource documentation).
  # So it is never on for a user of the map: AWS itself then refuses to delete one who has anything left.
  force_destroy = each.value.force_destroy

  lifecycle {
    # Users set these by themselves, and service control policies let nobody else do so.
    ignore_changes = [tags["banto:acknowledged"], tags["banto:openpgp"], tags["banto:slack"]]
  }

  # A leaver's tag says that the leave is done, so that it must not be set before that.
  depends_on = [aws_iam_user_policy_attachment.left, aws_lambda_invocation.leave]
}
