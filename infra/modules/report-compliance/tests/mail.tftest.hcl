variables {
  banto           = jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto
  alarm_topics    = ["arn:aws:sns:ap-northeast-1:123456789012:banto-alarms"]
  organization_id = "o-exampleorgid"
  athena_results  = { bucket = "banto-athena-444455556666" }

  package_s3 = {
    bucket = "example-packages"
    key    = "report-compliance.zip"
    sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  }
}

run "mails_come_from_the_senders_domain_over_tls_and_bounces_reach_people" {
  variables {
    bounce_mails = ["sre@example.com"]
  }

  assert {
    condition     = aws_sesv2_email_identity.this["identity"].email_identity == "example.com" && aws_sesv2_email_identity.this["identity"].dkim_signing_attributes[0].next_signing_key_length == "RSA_2048_BIT"
    error_message = "another identity"
  }
  assert {
    condition     = aws_sesv2_configuration_set.this["set"].configuration_set_name == "banto" && aws_sesv2_configuration_set.this["set"].delivery_options[0].tls_policy == "REQUIRE"
    error_message = "mails may go unencrypted"
  }
  assert {
    condition     = toset(aws_sesv2_configuration_set.this["set"].suppression_options[0].suppressed_reasons) == toset(["BOUNCE", "COMPLAINT"])
    error_message = "SES goes on sending to who bounced"
  }
  assert {
    condition = (
      toset(aws_sesv2_configuration_set_event_destination.bounces["set"].event_destination[0].matching_event_types) == toset(["BOUNCE", "COMPLAINT", "REJECT"]) &&
      aws_sesv2_configuration_set_event_destination.bounces["set"].event_destination[0].sns_destination[0].topic_arn == output.bounces_topic_arn
    )
    error_message = "bounces reach nobody"
  }
  assert {
    condition = jsonencode(jsondecode(aws_sns_topic_policy.bounces["set"].policy).Statement) == jsonencode([
      {
        Sid       = "OnlyByTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = output.bounces_topic_arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "SesTellsOfBounces"
        Effect    = "Allow"
        Principal = { Service = "ses.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = output.bounces_topic_arn
        Condition = {
          StringEquals = { "aws:SourceAccount" = "123456789012" }
          ArnEquals    = { "aws:SourceArn" = "arn:aws:ses:ap-northeast-1:123456789012:configuration-set/banto" }
        }
      },
    ])
    error_message = "the topic's policy says something else: ${aws_sns_topic_policy.bounces["set"].policy}"
  }
  assert {
    condition     = aws_sesv2_email_identity.this["identity"].configuration_set_name == "banto"
    error_message = "what notify-compliance mails by the same identity bounces unheard"
  }
  assert {
    condition     = keys(aws_sns_topic_subscription.bounces) == ["sre@example.com"]
    error_message = "nobody is told"
  }
  assert {
    condition     = local.alarms["bounces"].dimensions.TopicName == aws_sns_topic.bounces["set"].name
    error_message = "the alarm watches another topic"
  }
}

run "an_address_is_an_identity_without_dkim_of_its_own" {
  command = plan

  variables {
    mail_identity = "banto@example.com"
  }

  assert {
    condition     = length(aws_sesv2_email_identity.this["identity"].dkim_signing_attributes) == 0
    error_message = "an address has no DKIM"
  }
  assert {
    condition     = contains(one([for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "SendTheMails"]), "arn:aws:ses:ap-northeast-1:123456789012:identity/banto@example.com")
    error_message = "the function may send as another"
  }
}

run "an_identity_that_is_there_already_is_used_and_not_made" {
  command = plan

  variables {
    make_mail_identity = false
  }

  assert {
    condition     = length(aws_sesv2_email_identity.this) == 0 && strcontains(output.policy, "identity/example.com")
    error_message = "an identity is made, or none is used"
  }
}

run "without_a_configuration_set_there_is_no_topic_and_no_alarm_on_it" {
  command = plan

  variables {
    banto = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto, {
      report = merge(jsondecode(file("../../envs/example/banto.auto.tfvars.json")).banto.report, { mail = { from = "banto@example.com" } })
    })
  }

  assert {
    condition     = length(aws_sesv2_configuration_set.this) + length(aws_sns_topic.bounces) == 0 && !contains(keys(local.alarms), "bounces") && contains(keys(local.alarms), "mails-refused")
    error_message = "a topic that nothing is published to"
  }
  assert {
    condition     = one([for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "SendTheMails"]) == ["arn:aws:ses:ap-northeast-1:123456789012:identity/example.com"]
    error_message = "a right to a configuration set that is not there"
  }
}
