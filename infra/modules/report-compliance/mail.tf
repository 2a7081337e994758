locals {
  own_identity = toset(local.mail != null && var.make_mail_identity ? ["identity"] : [])
  own_set      = toset(local.configuration_set == null ? [] : ["set"])

  # Regions whose records of DKIM lead to a domain of their own. (AWS General Reference, "Amazon Simple Email Service endpoints and
  # quotas", "DKIM domains".)
  dkim_regions = [
    "af-south-1", "ap-northeast-3", "ap-south-2", "ap-southeast-3", "ap-southeast-5", "ca-west-1",
    "eu-central-2", "eu-south-1", "il-central-1", "me-central-1",
  ]
  dkim_domain = contains(local.dkim_regions, local.region) ? "dkim.${local.region}.amazonses.com" : "dkim.amazonses.com"
}

# SES signs by keys of its own that it exchanges from time to time (SES developer guide, "Easy DKIM in Amazon SES"). The domain's
# owner publishes three records, which the output dkim_records has. Until then SES sends nothing.
resource "aws_sesv2_email_identity" "this" {
  for_each = local.own_identity

  email_identity = local.mail_identity
  # notify-compliance mails by this identity, too, and names no set: its bounces are heard of by this one.
  configuration_set_name = one(values(aws_sesv2_configuration_set.this)[*].configuration_set_name)

  # An address has no records of its own: DKIM is its domain's.
  dynamic "dkim_signing_attributes" {
    for_each = strcontains(local.mail_identity, "@") ? [] : ["dkim"]
    content {
      next_signing_key_length = "RSA_2048_BIT"
    }
  }
}

resource "aws_sesv2_configuration_set" "this" {
  for_each = local.own_set

  configuration_set_name = local.configuration_set

  # A report says what is wrong in every account: a receiver's server that can't encrypt gets none.
  delivery_options {
    tls_policy = "REQUIRE"
  }

  reputation_options {
    reputation_metrics_enabled = true
  }

  # SES stops trying an address that bounced or complained, which keeps the sender's reputation.
  suppression_options {
    suppressed_reasons = ["BOUNCE", "COMPLAINT"]
  }
}

resource "aws_sns_topic" "bounces" {
  #checkov:skip=CKV_AWS_26:SES can't publish by SNS's own key, and a key for it would hide addresses that stand in the policy anyway
  for_each = local.own_set

  name = "banto-bounces"
}

# SES publishes in its own name, for this configuration set alone. (SES developer guide, "Set up an Amazon SNS event destination for
# event publishing".)
data "aws_iam_policy_document" "bounces" {
  for_each = local.own_set

  statement {
    sid       = "OnlyByTls"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.bounces[each.key].arn]

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

  statement {
    sid       = "SesTellsOfBounces"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.bounces[each.key].arn]

    principals {
      type        = "Service"
      identifiers = ["ses.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = ["arn:aws:ses:${local.region}:${local.account}:configuration-set/${local.configuration_set}"]
    }
  }
}

resource "aws_sns_topic_policy" "bounces" {
  for_each = local.own_set

  arn    = aws_sns_topic.bounces[each.key].arn
  policy = data.aws_iam_policy_document.bounces[each.key].json
}

resource "aws_sns_topic_subscription" "bounces" {
  for_each = toset(var.bounce_mails)

  topic_arn = aws_sns_topic.bounces["set"].arn
  protocol  = "email"
  endpoint  = each.key
}

resource "aws_sesv2_configuration_set_event_destination" "bounces" {
  for_each = local.own_set

  configuration_set_name = aws_sesv2_configuration_set.this[each.key].configuration_set_name
  event_destination_name = "bounces"

  event_destination {
    enabled = true
    # Each is a mail that its receiver does not have, or does not want.
    matching_event_types = ["BOUNCE", "COMPLAINT", "REJECT"]

    sns_destination {
      topic_arn = aws_sns_topic.bounces[each.key].arn
    }
  }

  # SES tries the topic when it is named.
  depends_on = [aws_sns_topic_policy.bounces]
}
