locals {
  names = distinct(compact([try(var.banto.compliance.aggregator, null), try(var.banto.report.aggregator, null)]))
}

# Every account and region of the Organization, of which notify-compliance asks daily, and report-compliance
# for accounts without a snapshot.
resource "aws_config_configuration_aggregator" "this" {
  name = local.names[0]

  organization_aggregation_source {
    # A region that the policy does not name has findings, too, and costs nothing here.
    all_regions = true
    role_arn    = aws_iam_role.this.arn
  }

  # AWS Config tries the role when the aggregator is made.
  depends_on = [aws_iam_role_policy_attachment.this]
}

data "aws_caller_identity" "this" {}

data "aws_iam_policy_document" "assume" {
  statement {
    sid     = "ConfigReadsTheOrganization"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["config.amazonaws.com"]
    }

    # Only for this account's own aggregator (AWS Config developer guide, "Permissions for the IAM Role Assigned to
    # AWS Config", "Adding an IAM Trust Policy to your Role").
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

resource "aws_iam_role" "this" {
  name               = "config-aggregator"
  path               = "/banto/"
  description        = "AWS Config learns which accounts the Organization has"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

# AWS Config developer guide, "Creating Aggregators": the managed policy for an Organization's aggregator.
resource "aws_iam_role_policy_attachment" "this" {
  role       = aws_iam_role.this.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSConfigRoleForOrganizations"
}
