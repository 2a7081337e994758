# What is watched, as data. docs/OPERATIONS.md, "What is watched", has a row for each, and infra/tests/test_watch.py tries each on events.
#
# A pattern compares a field with what is known when it is written, and never two fields of an event. So none can say "by anybody but
# the user who is tagged"; it says "by whoever is no IAM user". The service control policies keep users from each other.

locals {
  here   = one([for account in var.banto.rotation.accounts : account if account.id == var.account_id])
  region = try(coalesce(var.region, try(var.banto.organization.home_region, null)), data.aws_region.this.region)

  # IAM user guide, "Logging IAM and AWS STS API calls with AWS CloudTrail": IAM's events are in us-east-1, those of STS in the region whose endpoint was asked.
  iam  = ["us-east-1"]
  home = [local.region]
  both = distinct([local.region, "us-east-1"])

  reach_role  = try("arn:aws:iam::${var.account_id}:role/${var.banto.onboarding.reach_role}", null)
  quiet_roles = length(var.quiet_roles) > 0 ? sort(tolist(var.quiet_roles)) : compact([local.reach_role])

  # The key is another account's where the function runs there.
  signing_key = try(split(":", var.banto.rotation.signing_key)[4], "") == var.account_id ? var.banto.rotation.signing_key : null

  # Who made a call, for everybody but some roles. Root and users have no sessionIssuer, and anything-but alone needs the field to be
  # there (EventBridge user guide, "Event pattern syntax": the event must contain all the field names).
  no_role_of = {
    for name, roles in { deployment = local.quiet_roles, banto = [local.here.role.arn] } : name => {
      "$or" = [
        { sessionContext = { sessionIssuer = { arn = [{ "anything-but" = length(roles) > 0 ? roles : ["-"] }] } } },
        { sessionContext = { sessionIssuer = { arn = [{ exists = false }] } } },
      ]
    }
  }
  no_user = { type = [{ "anything-but" = ["IAMUser"] }] }

  # IAM compares the keys of users' tags whatever the case of their letters. TagUser and CreateUser have them with values, UntagUser without.
  tagged = {
    for name, tags in { pins = ["banto:openpgp", "banto:acknowledged"], slack = ["banto:slack"] } : name => {
      "$or" = [
        { requestParameters = { tags = { key = [for tag in tags : { "equals-ignore-case" = tag }] } } },
        { requestParameters = { tagKeys = [for tag in tags : { "equals-ignore-case" = tag }] } },
      ]
    }
  }
  tagging = { eventSource = ["iam.amazonaws.com"], eventName = ["CreateUser", "TagUser", "UntagUser"] }

  # Where the deployment comes as the reach role, or Control Tower does, the management account's sessions bear many names. Else only
  # onboard-accounts, whose sessions are called "banto", is no news. In the account of the role, CloudTrail shows of a caller from
  # another account no more than that account (IAM user guide, "Logging IAM and AWS STS API calls with AWS CloudTrail").
  strangers = { userIdentity = { accountId = [{ "anything-but" = [try(var.banto.organization.management_account, "-")] }] } }
  reach_callers = jsondecode(
    length(var.quiet_roles) == 0 || try(var.banto.organization.control_tower, false)
    ? jsonencode(local.strangers)
    : jsonencode({ "$or" = [local.strangers, { requestParameters = { roleSessionName = [{ "anything-but" = ["banto"] }] } }] })
  )

  # regions: where CloudTrail has the event. on: the fields of the request that say on whom or what. reads: whether it is a read-only
  # event, of which a rule hears only in another state than the usual one.
  patterns = {
    pins = {
      description = "Somebody who is no IAM user says which certificate is a user's, or that a key arrived"
      regions     = local.iam
      reads       = false
      on          = ["userName"]
      detail      = jsonencode(merge(local.tagging, local.tagged.pins, { userIdentity = local.no_user }))
    }
    slack-ids = {
      description = "Somebody who is neither an IAM user nor a role of the deployment says where a user is reached in Slack"
      regions     = local.iam
      reads       = false
      on          = ["userName"]
      detail      = jsonencode(merge(local.tagging, local.tagged.slack, { userIdentity = merge(local.no_user, local.no_role_of.deployment) }))
    }
    devices = {
      description = "Somebody who is no IAM user makes, changes or takes away an MFA device"
      regions     = local.iam
      reads       = false
      on          = ["userName", "virtualMFADeviceName", "serialNumber"]
      # A leaver's device goes with the user, by the deployment.
      detail = jsonencode({
        eventSource = ["iam.amazonaws.com"]
        "$or" = [
          { eventName = ["CreateVirtualMFADevice", "EnableMFADevice", "ResyncMFADevice"], userIdentity = local.no_user },
          { eventName = ["DeactivateMFADevice", "DeleteVirtualMFADevice"], userIdentity = merge(local.no_user, local.no_role_of.deployment) },
        ]
      })
    }
    # A user changes the own password by ChangePassword.
    passwords = {
      description = "Somebody gives a user a password for the console"
      regions     = local.iam
      reads       = false
      on          = ["userName"]
      detail      = jsonencode({ eventSource = ["iam.amazonaws.com"], eventName = ["CreateLoginProfile", "UpdateLoginProfile"] })
    }
    records = {
      description = "Somebody who is not Banto writes a user's record, or says who may read it"
      regions     = local.home
      reads       = false
      on          = ["secretId"]
      detail = jsonencode({
        eventSource = ["secretsmanager.amazonaws.com"]
        eventName   = ["DeleteResourcePolicy", "DeleteSecret", "PutResourcePolicy", "PutSecretValue", "UpdateSecret", "UpdateSecretVersionStage"]
        # A secret is named by its name or its ARN.
        requestParameters = {
          secretId = [{ prefix = "banto/access-keys/" }, { prefix = "arn:aws:secretsmanager:${local.region}:${var.account_id}:secret:banto/access-keys/" }]
        }
        userIdentity = local.no_role_of.banto
      })
    }
    certificates = {
      description = "Somebody who does not deploy changes how the bucket of certificates is kept"
      regions     = local.home
      reads       = false
      on          = ["bucketName"]
      detail = jsonencode({
        eventSource       = ["s3.amazonaws.com"]
        eventName         = ["DeleteBucket", "DeleteBucketLifecycle", "DeleteBucketPolicy", "PutBucketLifecycle", "PutBucketLifecycleConfiguration", "PutBucketPolicy", "PutBucketVersioning"]
        requestParameters = { bucketName = [local.here.certificate_bucket] }
        userIdentity      = local.no_role_of.deployment
      })
    }
    signing-key = {
      description = "Somebody who does not deploy changes who may use the key that signs records"
      regions     = local.home
      reads       = false
      on          = ["keyId"]
      detail = jsonencode({
        eventSource = ["kms.amazonaws.com"]
        eventName   = ["CreateGrant", "DisableKey", "PutKeyPolicy", "ScheduleKeyDeletion"]
        # A request names the key by its id, its ARN or an alias; resources has its ARN.
        resources    = { ARN = [local.signing_key] }
        userIdentity = local.no_role_of.deployment
      })
    }
    signatures = {
      description = "Somebody who is not Banto signs with the key that signs records"
      regions     = local.home
      reads       = true
      on          = ["keyId"]
      detail = jsonencode({
        eventSource  = ["kms.amazonaws.com"]
        eventName    = ["Sign"]
        resources    = { ARN = [local.signing_key] }
        userIdentity = local.no_role_of.banto
      })
    }
    # Lambda puts a version behind the names of its calls, as in UpdateFunctionCode20150331v2. Environment variables lead the function elsewhere.
    code = {
      description = "Somebody who does not deploy changes the function that makes keys, or its environment"
      regions     = local.home
      reads       = false
      on          = ["functionName"]
      detail = jsonencode({
        eventSource       = ["lambda.amazonaws.com"]
        eventName         = [{ prefix = "UpdateFunctionCode" }, { prefix = "UpdateFunctionConfiguration" }]
        requestParameters = { functionName = [var.rotator_function, { suffix = ":function:${var.rotator_function}" }] }
        userIdentity      = local.no_role_of.deployment
      })
    }
    break-glass = {
      description = "Somebody assumes the role for break glass, or tries to"
      regions     = local.both
      reads       = true
      on          = ["roleArn", "roleSessionName"]
      detail = jsonencode({
        eventSource       = ["sts.amazonaws.com"]
        eventName         = [{ prefix = "AssumeRole" }]
        requestParameters = { roleArn = [local.here.break_glass] }
      })
    }
    # A session may begin in any region, where no rule is. What it is used for is here: IAM in us-east-1, the records in the home region.
    break-glass-calls = {
      description = "A session of the role for break glass changes something"
      regions     = local.both
      reads       = false
      on          = ["userName", "secretId", "policyArn"]
      detail      = jsonencode({ userIdentity = { sessionContext = { sessionIssuer = { arn = [local.here.break_glass] } } } })
    }
    reach-role = {
      description = "Somebody who is not onboard-accounts assumes the role that may do everything, or tries to"
      regions     = local.both
      reads       = true
      on          = ["roleArn", "roleSessionName"]
      detail = jsonencode(merge(local.reach_callers, {
        eventSource = ["sts.amazonaws.com"]
        eventName   = [{ prefix = "AssumeRole" }]
        # An "$or" beside this may name another field of the request: both must hold.
        requestParameters = { roleArn = [local.reach_role] }
      }))
    }
    rules = {
      description = "Somebody who does not deploy changes the rules of this watch"
      regions     = local.both
      reads       = false
      on          = ["name", "rule"]
      detail = jsonencode({
        eventSource  = ["events.amazonaws.com"]
        userIdentity = local.no_role_of.deployment
        "$or" = [
          { eventName = ["DeleteRule", "DisableRule", "PutRule"], requestParameters = { name = [{ prefix = "banto-watch-" }] } },
          { eventName = ["PutTargets", "RemoveTargets"], requestParameters = { rule = [{ prefix = "banto-watch-" }] } },
        ]
      })
    }
    trail = {
      description = "Somebody who does not deploy stops or changes a trail of CloudTrail, by which all of this is heard"
      regions     = local.both
      reads       = false
      on          = ["name", "trailName"]
      detail = jsonencode({
        eventSource  = ["cloudtrail.amazonaws.com"]
        eventName    = ["DeleteTrail", "PutEventSelectors", "StopLogging", "UpdateTrail"]
        userIdentity = local.no_role_of.deployment
      })
    }
  }

  left_out = toset(concat(
    local.signing_key == null ? ["signing-key", "signatures"] : [],
    local.here.break_glass == null ? ["break-glass", "break-glass-calls"] : [],
    local.reach_role == null ? ["reach-role"] : [],
  ))
}
