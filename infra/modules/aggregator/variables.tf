variable "banto" {
  description = "What `banto config export` writes. This module reads the aggregator's name."
  type = object({
    compliance = object({ aggregator = string })
    report     = object({ aggregator = string })
  })

  validation {
    condition     = length(distinct(compact([try(var.banto.compliance.aggregator, null), try(var.banto.report.aggregator, null)]))) == 1
    error_message = "compliance.aggregator and report.aggregator must name the same aggregator, or one of the two does: this module makes one."
  }
}
