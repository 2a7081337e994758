data "aws_region" "this" {}

locals {
  rules = merge([
    for name, pattern in local.patterns : {
      for region in pattern.regions : "${region}/${name}" => {
        name        = "banto-watch-${name}"
        region      = region
        description = pattern.description
        on          = pattern.on
        # A rule in the state ENABLED hears of no read-only event whose name begins with Describe, Get or List, and it is said of no
        # list that Sign and AssumeRole will always be heard there. (EventBridge user guide, "Receiving read-only management events
        # from AWS services", whose example of such a rule is AssumeRole.)
        state = pattern.reads ? "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" : "ENABLED"
        pattern = jsonencode({
          # Nobody but AWS puts events with such a source (EventBridge API reference, PutEventsRequestEntry).
          source        = [{ prefix = "aws." }]
          "detail-type" = ["AWS API Call via CloudTrail"]
          detail        = jsondecode(pattern.detail)
        })
      }
    } if !contains(local.left_out, name)
  ]...)

  regions = toset([for rule in values(local.rules) : rule.region])

  # EventBridge puts values into the text as they are. So none is named that a stranger may write a quotation mark into, as into the
  # user agent or the text of an error: the text would be no JSON any more, and nobody would hear of it.
  said = {
    event  = "$.detail.eventName"
    who    = "$.detail.userIdentity.arn"
    type   = "$.detail.userIdentity.type"
    caller = "$.detail.userIdentity.principalId"
    home   = "$.detail.userIdentity.accountId"
    at     = "$.detail.eventTime"
    from   = "$.detail.sourceIPAddress"
    where  = "$.account"
    region = "$.region"
    error  = "$.detail.errorCode"
    id     = "$.detail.eventID"
  }
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.rules

  region        = each.value.region
  name          = each.value.name
  description   = each.value.description
  event_pattern = each.value.pattern
  state         = each.value.state

  lifecycle {
    precondition {
      # EventBridge user guide, "Amazon EventBridge quotas": the size of an event pattern, unless the account's quota was raised.
      condition     = length(each.value.pattern) <= 2048
      error_message = "The pattern of ${each.value.name} has ${length(each.value.pattern)} characters, more than the 2048 that EventBridge takes: name fewer quiet_roles."
    }
  }
}

# A rule's topic is in the rule's region (AWS re:Post, "Why isn't my Amazon SNS topic receiving EventBridge notifications?").
resource "aws_cloudwatch_event_target" "this" {
  for_each = local.rules

  region    = each.value.region
  rule      = aws_cloudwatch_event_rule.this[each.key].name
  target_id = "people"
  arn       = aws_sns_topic.this[each.value.region].arn

  # A field that an event does not have leaves nothing behind (EventBridge user guide, "Amazon EventBridge input transformation"): so
  # each has a word before it, and the sentence can be read without any of them.
  input_transformer {
    input_paths = merge(local.said, { for field in each.value.on : field => "$.detail.requestParameters.${field}" })
    input_template = join("", [
      "\"${each.value.description}: <event> on [${join(" ", [for field in each.value.on : "<${field}>"])}] ",
      "by [<who>] (<type> <caller> of account <home>) at <at>, from <from>, in account <where>, region <region>. ",
      "If it was refused, the error is here: [<error>]. CloudTrail has it as <id>. ",
      "What to do: docs/OPERATIONS.md, 'What is watched', ${each.value.name}.\"",
    ])
  }
}
