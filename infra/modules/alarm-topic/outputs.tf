output "arn" {
  description = "The topic's ARN, for alarm_topics of the other modules. It is known once alarms may use the topic."
  value       = aws_sns_topic.this.arn

  # An alarm that goes off before the topic's policy is there would reach nobody.
  depends_on = [aws_sns_topic_policy.this]
}
