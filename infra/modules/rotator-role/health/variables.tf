variable "queue_arn" {
  type        = string
  description = "The ARN of rotate-access-keys' queue of requests, of this region."
  nullable    = false
}

variable "alarm_mails" {
  type        = list(string)
  description = "The addresses that hear of an event that a rule could not hand on, from a topic in each of the rules' regions. SNS asks each to confirm, once a region."
  nullable    = false
}

variable "by_role" {
  type        = bool
  description = "Whether the queue lies in another account. EventBridge then sends by a role of this account, and the queue's policy lets that role in."
  default     = false
  nullable    = false
}
