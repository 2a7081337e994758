variable "name" {
  type        = string
  description = "The function's name, as in banto-notify-compliance. Its log group, its group of schedules and its alarms are named by it, and its metrics carry it as the dimension Function."
  nullable    = false

  validation {
    # Lambda takes 64 characters. "-failed" comes behind it in a queue's name.
    condition     = can(regex("^[a-zA-Z0-9_-]{1,57}$", var.name))
    error_message = "name must be 1 to 57 letters, digits, hyphens and underscores, as in banto-notify-compliance."
  }
}

variable "description" {
  type        = string
  description = "What the function does, in a sentence."
  nullable    = false
}

variable "role_name" {
  type        = string
  description = "The name of the function's role. Null takes the function's name without \"banto-\"."
  default     = null

  validation {
    # IAM takes 64 characters. "-schedule" comes behind it in the name of the schedule's role.
    condition     = var.role_name == null || can(regex("^[a-zA-Z0-9+=,.@_-]{1,55}$", var.role_name))
    error_message = "role_name must be 1 to 55 letters, digits and +=,.@_-."
  }
}

variable "role_path" {
  type        = string
  description = "The path of the function's role. It begins and ends with a slash."
  default     = "/banto/"
  nullable    = false

  validation {
    condition     = can(regex("^/([a-zA-Z0-9+=,.@_-]+/)*$", var.role_path))
    error_message = "role_path must begin and end with a slash, as in /banto/."
  }
}

variable "policy" {
  type        = string
  description = "The function's own permissions: an IAM policy as JSON text. What every function needs is added: its log, and the queue of what failed."
  nullable    = false

  validation {
    condition     = can(jsondecode(var.policy).Statement)
    error_message = "policy must be the JSON text of an IAM policy with statements."
  }

  validation {
    # A placeholder that nobody filled in is a valid string, and IAM would take it for a resource that matches nothing.
    condition     = !can(regex("[$][{]", var.policy))
    error_message = "policy has a placeholder that was not filled in."
  }
}

variable "package" {
  type        = string
  description = "The path of the function's zip, which holds the program bootstrap and banto.toml. `cargo make package` makes it. Give this or package_s3."
  default     = null
}

variable "package_s3" {
  type = object({
    bucket  = string
    key     = string
    version = optional(string)
    sha256  = string
  })
  description = "Where the function's zip lies in S3, in the function's region, with the SHA-256 of it in Base64: by that a new zip is seen. Give this or package."
  default     = null

  validation {
    condition     = (var.package == null) != (var.package_s3 == null)
    error_message = "Give exactly one of package (the path of a zip) and package_s3 (a zip in S3)."
  }

  validation {
    condition     = var.package_s3 == null || can(regex("^[A-Za-z0-9+/]{43}=$", var.package_s3.sha256))
    error_message = "package_s3.sha256 must be a SHA-256 in Base64, as `openssl dgst -sha256 -binary FILE | base64` prints it."
  }
}

variable "architecture" {
  type        = string
  description = "What the program in the zip was built for: arm64 or x86_64."
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be arm64 or x86_64."
  }
}

variable "memory" {
  type        = number
  description = "The function's memory in MB."
  default     = 128
  nullable    = false

  validation {
    condition     = var.memory >= 128 && var.memory <= 10240 && floor(var.memory) == var.memory
    error_message = "memory must be a whole number of MB from 128 to 10240."
  }
}

variable "timeout" {
  type        = number
  description = "How many seconds an invocation may take."
  nullable    = false

  validation {
    condition     = var.timeout >= 1 && var.timeout <= 900 && floor(var.timeout) == var.timeout
    error_message = "timeout must be a whole number of seconds from 1 to 900."
  }
}

variable "environment" {
  type        = map(string)
  description = "The function's environment variables. None of Banto's holds a secret."
  default     = {}
  nullable    = false
}

variable "log_retention_days" {
  type        = number
  description = "For how many days CloudWatch Logs keeps the function's log."
  # An incident is often found months after it began, and the next audit is within the year.
  default  = 365
  nullable = false

  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.log_retention_days,
    )
    error_message = "log_retention_days must be one of the numbers that CloudWatch Logs takes: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

variable "log_kms_key" {
  type        = string
  description = "The ARN of a KMS key that encrypts the log. Null takes CloudWatch Logs' own key. The key's policy must let CloudWatch Logs use it."
  default     = null
}

variable "keep_log" {
  type        = bool
  description = "Leaves the log group in the account when the function is destroyed or gets another name: it says which keys ended and which certificates were approved. Made anew by the same name, it must be imported first. Apply false before you destroy what nobody needs."
  default     = true
  nullable    = false
}

variable "sources" {
  type = map(object({
    name                = string
    visibility_timeout  = number
    retention           = optional(number, 1209600)
    max_receives        = number
    batch_size          = optional(number, 10)
    batching_window     = optional(number, 0)
    maximum_concurrency = number
    senders             = optional(string, "[]")
    oldest_message      = optional(number)
  }))
  description = <<-EOT
    The queues that the function works off, each under a short word as in "requests". Each makes a queue, its dead letter queue and the event source mapping.
    `name` is the queue's; the dead letter queue has "-dead" behind it. `visibility_timeout`, `retention` and `batching_window` are seconds.
    `max_receives` is after how many receives a message is a dead letter. `maximum_concurrency` is how many invocations the mapping makes at once.
    `senders` is the JSON list of statements that say who may send: each has a Sid, a Principal and mostly a Condition. Effect, Action and Resource are filled in here.
    `oldest_message` is how many seconds a message may wait before the alarm old-messages goes off; null makes none.
  EOT
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.sources) : can(regex("^[a-z][a-z0-9-]*$", key))])
    error_message = "The keys of sources must be short words of lower-case letters, as in requests."
  }

  validation {
    # SQS takes 80 characters. "-dead" comes behind it in the dead letter queue's name.
    condition     = alltrue([for source in values(var.sources) : can(regex("^[a-zA-Z0-9_-]{1,75}$", source.name))])
    error_message = "A source's name must be 1 to 75 letters, digits, hyphens and underscores."
  }

  validation {
    condition     = length(distinct([for source in values(var.sources) : source.name])) == length(var.sources)
    error_message = "Each source must have a name of its own."
  }

  validation {
    # Lambda refuses the mapping otherwise (Lambda developer guide, "Creating and configuring an Amazon SQS event source mapping").
    condition     = alltrue([for source in values(var.sources) : source.visibility_timeout >= var.timeout && source.visibility_timeout <= 43200])
    error_message = "A source's visibility_timeout must be at least the function's timeout, and at most 43200 seconds."
  }

  validation {
    condition     = alltrue([for source in values(var.sources) : source.retention >= 60 && source.retention <= 1209600])
    error_message = "A source's retention must be 60 to 1209600 seconds, which are 14 days."
  }

  validation {
    condition     = alltrue([for source in values(var.sources) : source.max_receives >= 1 && source.max_receives <= 1000])
    error_message = "A source's max_receives must be 1 to 1000."
  }

  validation {
    # Lambda asks for a window of a second where a batch may have more than ten (Lambda API reference, CreateEventSourceMapping).
    condition = alltrue([
      for source in values(var.sources) :
      source.batch_size >= 1 && source.batch_size <= (source.batching_window >= 1 ? 10000 : 10) &&
      source.batching_window >= 0 && source.batching_window <= 300
    ])
    error_message = "A source's batch_size must be 1 to 10, or up to 10000 with a batching_window of 1 to 300 seconds."
  }

  validation {
    # Lambda takes 2 to 1000 (Lambda developer guide, "Configuring scaling behavior for SQS event source mappings").
    condition     = alltrue([for source in values(var.sources) : source.maximum_concurrency >= 2 && source.maximum_concurrency <= 1000])
    error_message = "A source's maximum_concurrency must be 2 to 1000."
  }

  validation {
    condition = alltrue([
      for source in values(var.sources) :
      can([for statement in jsondecode(source.senders) : [statement.Sid, statement.Principal]])
    ])
    error_message = "A source's senders must be a JSON list of statements, each with Sid and Principal."
  }

  validation {
    condition = alltrue([
      for source in values(var.sources) :
      length(setintersection(["Effect", "Action", "NotAction", "Resource", "NotResource"], flatten([for statement in try(jsondecode(source.senders), []) : try(keys(statement), [])]))) == 0
    ])
    error_message = "A source's senders may have Sid, Principal and Condition only: Effect, Action and Resource are filled in."
  }
}

variable "schedules" {
  type = map(object({
    expression       = string
    time_zone        = optional(string, "UTC")
    flexible_minutes = optional(number, 15)
    input            = optional(string)
    missed_after     = optional(number, 52)
  }))
  description = <<-EOT
    What invokes the function by time, each under a short word as in "daily". `expression` is one of EventBridge Scheduler, as in `cron(0 3 * * ? *)`, read in `time_zone`.
    The invocation comes within `flexible_minutes`; 0 means at once. `input` is the event as JSON text; null sends what the functions know as the schedule's.
    `missed_after` is after how many hours without an invocation the alarm schedule-missed goes off; 0 makes none. It is twice the longest time between two
    invocations, or more: of a new function the alarm knows nothing, and it waits for the first one for half of this time. 52 is twice a day and two hours.
  EOT
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.schedules) : can(regex("^[a-z][a-z0-9-]*$", key))])
    error_message = "The keys of schedules must be short words of lower-case letters, as in daily."
  }

  validation {
    condition     = alltrue([for schedule in values(var.schedules) : can(regex("^(cron|rate)\\(.+\\)$", schedule.expression))])
    error_message = "A schedule's expression must be cron(...) or rate(...), as in cron(0 3 * * ? *)."
  }

  validation {
    # Scheduler takes up to a day (EventBridge Scheduler API reference, FlexibleTimeWindow).
    condition     = alltrue([for schedule in values(var.schedules) : schedule.flexible_minutes >= 0 && schedule.flexible_minutes <= 1440])
    error_message = "A schedule's flexible_minutes must be 0 to 1440."
  }

  validation {
    condition     = alltrue([for schedule in values(var.schedules) : schedule.input == null || can(jsondecode(schedule.input))])
    error_message = "A schedule's input must be JSON text."
  }

  validation {
    # An alarm of CloudWatch looks back seven days at most (CloudWatch API reference, PutMetricAlarm), and half of the time is looked back.
    condition     = alltrue([for schedule in values(var.schedules) : schedule.missed_after == 0 || schedule.missed_after >= 2 && schedule.missed_after <= 336 && floor(schedule.missed_after) == schedule.missed_after])
    error_message = "A schedule's missed_after must be a whole number of hours from 2 to 336, or 0 for no alarm."
  }
}

variable "on_failure" {
  type        = bool
  description = "Keeps asynchronous invocations that failed for good, those of schedules among them, in the queue with \"-failed\" behind the function's name."
  default     = true
  nullable    = false
}

variable "reserved_concurrency" {
  type        = number
  description = "How many invocations are set aside for the function, and allowed at once. -1 sets none aside and limits nothing."
  default     = -1
  nullable    = false

  validation {
    # 0 would stop the function: whoever wants that switches it off in banto.toml.
    condition     = var.reserved_concurrency == -1 || var.reserved_concurrency >= 1
    error_message = "reserved_concurrency must be -1, or at least 1."
  }
}

variable "invokers" {
  type        = map(string)
  description = "ARNs of roles that may invoke the function, each under a word of its own, as in operators. Roles of this account may have the right by their own policies, too."
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for arn in values(var.invokers) : can(regex("^arn:aws:iam::[0-9]{12}:role/[^*?]+$", arn))])
    error_message = "invokers must be ARNs of roles, without wildcards."
  }
}

variable "alarms" {
  type = map(object({
    description         = string
    metric              = string
    namespace           = optional(string, "Banto")
    dimensions          = optional(map(string))
    statistic           = optional(string, "Sum")
    comparison          = optional(string, "GreaterThanThreshold")
    threshold           = optional(number, 0)
    period              = optional(number, 300)
    evaluation_periods  = optional(number, 1)
    datapoints_to_alarm = optional(number)
    treat_missing_data  = optional(string, "notBreaching")
  }))
  description = <<-EOT
    Alarms besides those that every function has. One with the key of such an alarm replaces it.
    `dimensions` are those of the function's own metrics if they are null. `datapoints_to_alarm` is `evaluation_periods` if it is null.
  EOT
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.alarms) : can(regex("^[a-z][a-z0-9-]*$", key))])
    error_message = "The keys of alarms must be words of lower-case letters and hyphens, as in oldest-key."
  }

  validation {
    # CloudWatch API reference, PutMetricAlarm: seven days at most, and a day where a period is shorter than an hour.
    condition = alltrue([
      for alarm in values(var.alarms) :
      alarm.period * alarm.evaluation_periods <= (alarm.period >= 3600 ? 604800 : 86400)
    ])
    error_message = "An alarm looks back seven days at most, and a day where its period is shorter than an hour."
  }
}

variable "alarm_topics" {
  type        = list(string)
  description = "ARNs of the SNS topics that the alarms go to, of the function's account and region. The module alarm-topic makes one."
  nullable    = false

  validation {
    condition     = length(var.alarm_topics) > 0
    error_message = "alarm_topics must name at least one topic: nobody hears an alarm without one."
  }

  validation {
    # CloudWatch takes five actions for a state (CloudWatch API reference, PutMetricAlarm).
    condition     = length(var.alarm_topics) <= 5
    error_message = "alarm_topics must name at most five topics."
  }
}
