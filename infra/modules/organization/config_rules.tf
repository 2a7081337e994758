locals {
  # Titles and severities as notify-compliance and report-compliance tell them.
  catalogue = jsondecode(file("${path.module}/../../../shared/domain/src/compliance/rules.json")).rules

  # Rules on an account as a whole, and on IAM, are made in the home region only: the same finding in each
  # region would be told as many times, and IAM's resources are recorded there only (AWS Config developer
  # guide, iam-user-unused-credentials-check: "you should only deploy periodic rules that report compliance
  # on a global IAM resource type to one of the supported Regions").
  at_home = toset([var.banto.organization.home_region])

  # What is public or open, what is not encrypted, and who signs in how. A finding of each is worth a
  # message on the first day. Identifiers: AWS Config developer guide, "List of AWS Config Managed Rules".
  default_rules = {
    access-keys-rotated = {
      identifier = "ACCESS_KEYS_ROTATED"
      regions    = local.at_home
      # As many days as rotate-access-keys needs at the most, so that a finding means that it does not
      # work. Without a rotation the rule has its own 90 days.
      input_parameters = var.banto.rotation.oldest_key_days == 0 ? null : { maxAccessKeyAge = tostring(var.banto.rotation.oldest_key_days) }
    }
    cloud-trail-log-file-validation-enabled = { identifier = "CLOUD_TRAIL_LOG_FILE_VALIDATION_ENABLED", regions = local.at_home }
    iam-policy-no-statements-with-admin-access = {
      identifier = "IAM_POLICY_NO_STATEMENTS_WITH_ADMIN_ACCESS"
      regions    = local.at_home
    }
    iam-root-access-key-check = { identifier = "IAM_ROOT_ACCESS_KEY_CHECK", regions = local.at_home }
    iam-user-unused-credentials-check = {
      identifier = "IAM_USER_UNUSED_CREDENTIALS_CHECK"
      regions    = local.at_home
      # 90 days is the rule's own default, which an organization rule has to say: the parameter is required.
      input_parameters = { maxCredentialUsageAge = "90" }
    }
    mfa-enabled-for-iam-console-access             = { identifier = "MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS", regions = local.at_home }
    multi-region-cloudtrail-enabled                = { identifier = "MULTI_REGION_CLOUD_TRAIL_ENABLED", regions = local.at_home }
    root-account-mfa-enabled                       = { identifier = "ROOT_ACCOUNT_MFA_ENABLED", regions = local.at_home }
    s3-account-level-public-access-blocks-periodic = { identifier = "S3_ACCOUNT_LEVEL_PUBLIC_ACCESS_BLOCKS_PERIODIC", regions = local.at_home }
    security-account-information-provided          = { identifier = "SECURITY_ACCOUNT_INFORMATION_PROVIDED", regions = local.at_home }

    dms-replication-not-public               = { identifier = "DMS_REPLICATION_NOT_PUBLIC" }
    ebs-snapshot-public-restorable-check     = { identifier = "EBS_SNAPSHOT_PUBLIC_RESTORABLE_CHECK" }
    ec2-ebs-encryption-by-default            = { identifier = "EC2_EBS_ENCRYPTION_BY_DEFAULT" }
    ec2-imdsv2-check                         = { identifier = "EC2_IMDSV2_CHECK" }
    eks-endpoint-no-public-access            = { identifier = "EKS_ENDPOINT_NO_PUBLIC_ACCESS" }
    encrypted-volumes                        = { identifier = "ENCRYPTED_VOLUMES" }
    lambda-function-public-access-prohibited = { identifier = "LAMBDA_FUNCTION_PUBLIC_ACCESS_PROHIBITED" }
    opensearch-in-vpc-only                   = { identifier = "OPENSEARCH_IN_VPC_ONLY" }
    rds-instance-public-access-check         = { identifier = "RDS_INSTANCE_PUBLIC_ACCESS_CHECK" }
    rds-snapshots-public-prohibited          = { identifier = "RDS_SNAPSHOTS_PUBLIC_PROHIBITED" }
    rds-storage-encrypted                    = { identifier = "RDS_STORAGE_ENCRYPTED" }
    redshift-cluster-public-access-check     = { identifier = "REDSHIFT_CLUSTER_PUBLIC_ACCESS_CHECK" }
    restricted-common-ports                  = { identifier = "RESTRICTED_INCOMING_TRAFFIC" }
    restricted-ssh                           = { identifier = "INCOMING_SSH_DISABLED" }
    s3-bucket-public-read-prohibited         = { identifier = "S3_BUCKET_PUBLIC_READ_PROHIBITED" }
    s3-bucket-public-write-prohibited        = { identifier = "S3_BUCKET_PUBLIC_WRITE_PROHIBITED" }
    s3-bucket-ssl-requests-only              = { identifier = "S3_BUCKET_SSL_REQUESTS_ONLY" }
    sns-topic-no-public-access               = { identifier = "SNS_TOPIC_NO_PUBLIC_ACCESS" }
    sqs-queue-no-public-access               = { identifier = "SQS_QUEUE_NO_PUBLIC_ACCESS" }
    ssm-document-not-public                  = { identifier = "SSM_DOCUMENT_NOT_PUBLIC" }
    vpc-default-security-group-closed        = { identifier = "VPC_DEFAULT_SECURITY_GROUP_CLOSED" }
    vpc-flow-logs-enabled                    = { identifier = "VPC_FLOW_LOGS_ENABLED" }
  }

  rules = {
    for name, rule in merge(local.default_rules, var.rules) : name => {
      identifier = rule.identifier
      # A rule of the company's own has no entry in the catalogue: then it is told by its name.
      description = coalesce(
        try(rule.description, null),
        try("${local.catalogue[name].title} (${local.catalogue[name].severity})", null),
        name,
      )
      input_parameters            = try(rule.input_parameters, null)
      resource_types_scope        = try(rule.resource_types_scope, null)
      maximum_execution_frequency = try(rule.maximum_execution_frequency, null)
      excluded_accounts           = try(rule.excluded_accounts, [])
      regions                     = coalesce(try(rule.regions, null), toset(var.banto.organization.regions))
    } if rule != null
  }

  # Accounts that are left alone may have no recorder.
  excluded_accounts = setunion(
    coalesce(var.excluded_accounts, toset([var.banto.organization.management_account])),
    var.banto.onboarding.left_alone,
  )
}

# An organization rule is of one region. It is made in the management account, which needs no delegation for
# it, and whose rules a delegated administrator can't take away.
resource "aws_config_organization_managed_rule" "this" {
  for_each = merge([
    for name, rule in local.rules : {
      for region in rule.regions : "${region}/${name}" => merge(rule, { name = name, region = region }) if var.deploy_rules
    }
  ]...)

  region                      = each.value.region
  name                        = each.value.name
  rule_identifier             = each.value.identifier
  description                 = substr(each.value.description, 0, 256) # the API takes no more
  input_parameters            = each.value.input_parameters == null ? null : jsonencode(each.value.input_parameters)
  resource_types_scope        = each.value.resource_types_scope
  maximum_execution_frequency = each.value.maximum_execution_frequency
  excluded_accounts           = setunion(local.excluded_accounts, each.value.excluded_accounts)

  # AWS Config makes the rule in every account before the call counts as done. The provider waits five
  # minutes, which a few hundred accounts take already.
  timeouts {
    create = "1h"
    update = "1h"
    delete = "1h"
  }

  # A rule fails in an account without a recorder, and with it the whole rule: Terraform then marks it as tainted
  # (README, "When an apply fails"). The baseline's stacks make recorders; deploy_rules says when they are there.
  depends_on = [
    aws_cloudformation_stack_set_instance.baseline,
    aws_organizations_aws_service_access.this,
  ]
}
