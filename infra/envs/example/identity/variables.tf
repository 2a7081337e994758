variable "banto" {
  description = "What banto.toml says: `banto config export` writes banto.auto.tfvars.json beside this file."
  type        = any
}

variable "alarm_mails" {
  description = "The addresses that alarms are mailed to."
  type        = list(string)
}

variable "users" {
  description = "The people and machines by name, as the module identity takes them."
  type        = any
}

variable "groups" {
  description = "The groups by name, and the roles that their members may assume."
  type        = any
}
