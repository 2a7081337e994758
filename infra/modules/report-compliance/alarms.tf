locals {
  # Each report that is made counts anew, with 0 where nothing is amiss, and nothing is counted in between. So these alarms stay until a
  # report without: `resend` or `again` of this month, or the next one.
  until_the_next_report = "ignore"

  alarms = merge(
    {
      # A run that is out of time fails, and the next one goes on. Half a day of nothing else is a fault. By hours, as the runs of
      # the 2nd to the 5th.
      errors = {
        description        = "Runs have come to no end for 12 hours."
        namespace          = "AWS/Lambda"
        metric             = "Errors"
        dimensions         = { FunctionName = local.name }
        period             = 3600
        evaluation_periods = 12
      }
      objects-unreadable = {
        description        = "Parts of the archive can't be read."
        metric             = "ObjectsUnreadable"
        treat_missing_data = local.until_the_next_report
      }
    },
    {
      for key in local.with_mail : "mails-in-doubt" => {
        description        = "Nobody knows whether a mail of the report went out."
        metric             = "MailsInDoubt"
        treat_missing_data = local.until_the_next_report
      }
    },
    {
      for key in local.with_mail : "mails-refused" => {
        description        = "SES refused a mail of the report."
        metric             = "MailsRefused"
        treat_missing_data = local.until_the_next_report
      }
    },
    {
      for key in local.with_mail : "owners-without-address" => {
        description        = "Owners of accounts have no mail address, and got no report."
        metric             = "OwnersWithoutAddress"
        treat_missing_data = local.until_the_next_report
      }
    },
    {
      # By the topic's metric, so that somebody hears of it although nobody subscribed.
      for key in local.own_set : "bounces" => {
        description = "A mail of the report bounced, or its receiver complained."
        namespace   = "AWS/SNS"
        metric      = "NumberOfMessagesPublished"
        dimensions  = { TopicName = "banto-bounces" }
      }
    },
  )
}
