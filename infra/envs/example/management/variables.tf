variable "banto" {
  description = "What banto.toml says: `banto config export` writes banto.auto.tfvars.json beside this file."
  type        = any
}

variable "deploy_stack_sets" {
  description = "Whether the StackSets are made: false until the log archive's bucket and queue are there."
  type        = bool
}

variable "deploy_rules" {
  description = "Whether the organization rules are made: false until every account has its recorders."
  type        = bool
}

variable "deploy_policies" {
  description = "Whether the service control policies are attached: false until the function in the identity account works."
  type        = bool
}

variable "alarm_mails" {
  description = "The addresses that alarms are mailed to."
  type        = list(string)
}
