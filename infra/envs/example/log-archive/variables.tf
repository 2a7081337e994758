variable "banto" {
  description = "What banto.toml says: `banto config export` writes banto.auto.tfvars.json beside this file."
  type        = any
}

variable "alarm_mails" {
  description = "The addresses that alarms are mailed to."
  type        = list(string)
}
