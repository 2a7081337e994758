output "topic_arns" {
  description = "The ARNs of the topics by region, for subscriptions of other kinds than mail."
  value       = { for region, topic in aws_sns_topic.this : region => topic.arn }

  # A subscription is of use once rules may publish.
  depends_on = [aws_sns_topic_policy.this]
}

output "rules" {
  description = "The patterns of all rules as JSON, by region and name."
  value       = { for key, rule in aws_cloudwatch_event_rule.this : key => rule.event_pattern }
}
