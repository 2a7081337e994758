variable "banto" {
  description = "What banto.toml says: `banto config export` writes banto.auto.tfvars.json beside this file."
  type        = any
}

variable "github_organization" {
  description = "The organization on GitHub: its name and its id."
  type        = any
}

variable "repositories" {
  description = "The repositories and their roots, as the module pipeline takes them."
  type        = any
}

variable "home" {
  description = "Which of them is Banto's own, whose workflow shows the page of all roots; null where there is none."
  type        = string
  default     = null
}

variable "state_bucket" {
  description = "The bucket of states, plans and statuses."
  type        = string
}

variable "administrators" {
  description = "The people's roles in this account that set the bucket up, and apply roots by hand."
  type        = set(string)
}
