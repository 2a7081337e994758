resource "aws_sns_topic" "this" {
  #checkov:skip=CKV_AWS_26:EventBridge can't publish to a topic with the key of SNS, and a message names only who did what to which name
  for_each = local.regions

  region = each.value
  name   = "banto-watch"
}

data "aws_iam_policy_document" "topic" {
  for_each = local.regions

  # EventBridge user guide, "Using resource-based policies for Amazon EventBridge", and "Cross-service confused deputy prevention".
  statement {
    sid       = "RulesOfThisWatch"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.this[each.value].arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:aws:events:${each.value}:${var.account_id}:rule/banto-watch-*"]
    }
  }

  statement {
    sid       = "OnlyByTls"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.this[each.value].arn]

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
}

resource "aws_sns_topic_policy" "this" {
  for_each = local.regions

  region = each.value
  arn    = aws_sns_topic.this[each.value].arn
  policy = data.aws_iam_policy_document.topic[each.value].json
}

resource "aws_sns_topic_subscription" "this" {
  for_each = merge([
    for region in local.regions : { for mail in var.mails : "${region}/${mail}" => { region = region, mail = mail } }
  ]...)

  region    = each.value.region
  topic_arn = aws_sns_topic.this[each.value.region].arn
  protocol  = "email"
  endpoint  = each.value.mail
}
