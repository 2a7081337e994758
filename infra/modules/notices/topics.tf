resource "aws_sns_topic" "this" {
  #checkov:skip=CKV_AWS_26:A key of one's own would have to let every publisher in, and SNS keeps a message only until it is delivered
  for_each = local.topics

  name = each.key
}

data "aws_iam_policy_document" "topic" {
  for_each = local.topics

  statement {
    sid       = "OnlyByTls"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.this[each.key].arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  dynamic "statement" {
    for_each = [for kind, access in local.access : access if kind == "all"]
    content {
      sid       = "FunctionsOfOtherAccountsPublish"
      actions   = ["sns:Publish"]
      resources = [aws_sns_topic.this[each.key].arn]

      principals {
        type        = "AWS"
        identifiers = statement.value.accounts
      }

      condition {
        test     = "StringEquals"
        variable = "aws:PrincipalOrgID"
        values   = [var.organization_id]
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:PrincipalArn"
        values   = statement.value.roles
      }
    }
  }
}

resource "aws_sns_topic_policy" "this" {
  for_each = local.topics

  arn    = aws_sns_topic.this[each.key].arn
  policy = data.aws_iam_policy_document.topic[each.key].json
}

locals {
  owners_topic = var.banto.notices.owners_topic.name

  # The users that an address is to hear of. It has one subscription, however many they are: of one address SNS takes no second one to the same
  # topic with another filter. (SNS API reference, Subscribe: it answers with the one that is there, or with InvalidParameter where attributes differ.)
  users = {
    for mail in toset(flatten(values(var.owners))) : mail => sort([for user, mails in var.owners : user if contains(mails, mail)])
  }

  subscriptions = merge(
    { for entry in flatten([
      for name, mails in var.mails : [for mail in toset(mails) : { topic = name, mail = mail, users = null }]
    ]) : "${entry.topic} ${entry.mail}" => entry },
    # Every notice to an owner carries the attribute user, so that SNS passes on what concerns these users alone.
    { for mail, users in local.users : "${local.owners_topic} ${mail}" => { topic = local.owners_topic, mail = mail, users = users } },
  )
}

resource "aws_sns_topic_subscription" "mail" {
  for_each = local.subscriptions

  topic_arn     = aws_sns_topic.this[each.value.topic].arn
  protocol      = "email"
  endpoint      = each.value.mail
  filter_policy = each.value.users == null ? null : jsonencode({ user = each.value.users })
}
