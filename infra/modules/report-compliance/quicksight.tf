locals {
  columns = jsondecode(file("${path.module}/quicksight-columns.json"))

  # QuickSight puts the statement into one of its own: without comments nothing of it is lost there. And it names the view
  # without a database, of which the workgroup knows none.
  findings = replace(
    join("\n", [for line in split("\n", trimspace(file("${path.module}/quicksight-findings.sql"))) : line if !startswith(line, "--")]),
    "FROM report_findings",
    "FROM \"${try(local.athena.database, "")}\".report_findings",
  )
}

# QuickSight queries by a role of its own, with just what the data set reads, whatever the account lets QuickSight do besides.
# (QuickSight user guide, "Run queries as an IAM role".)
data "aws_iam_policy_document" "quicksight_trust" {
  for_each = local.with_quicksight

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["quicksight.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_iam_role" "quicksight" {
  for_each = local.with_quicksight

  name               = "report-compliance-quicksight"
  path               = "/banto/"
  description        = "QuickSight's queries of the report's findings"
  assume_role_policy = data.aws_iam_policy_document.quicksight_trust[each.key].json
}

# AWSQuicksightAthenaAccess, AWS's managed policy for it, with this workgroup, database and these buckets instead of all.
data "aws_iam_policy_document" "quicksight" {
  for_each = local.with_quicksight

  statement {
    sid = "QueryInTheWorkgroup"
    actions = [
      "athena:BatchGetQueryExecution",
      "athena:GetQueryExecution",
      "athena:GetQueryResults",
      "athena:GetQueryResultsStream",
      "athena:GetWorkGroup",
      "athena:StartQueryExecution",
      "athena:StopQueryExecution",
    ]
    resources = ["arn:aws:athena:${local.region}:${local.account}:workgroup/${local.athena.workgroup}"]
  }

  statement {
    sid = "LookIntoTheCatalogue"
    actions = [
      "athena:GetDataCatalog",
      "athena:GetDatabase",
      "athena:GetTableMetadata",
      "athena:ListDatabases",
      "athena:ListTableMetadata",
    ]
    resources = ["arn:aws:athena:${local.region}:${local.account}:datacatalog/AwsDataCatalog"]
  }

  statement {
    sid     = "FindTheDatabase"
    actions = ["glue:GetDatabase"]
    resources = [
      "arn:aws:glue:${local.region}:${local.account}:catalog",
      "arn:aws:glue:${local.region}:${local.account}:database/${local.athena.database}",
    ]
  }

  statement {
    sid     = "ReadTheTableAndItsView"
    actions = ["glue:GetPartition", "glue:GetPartitions", "glue:GetTable", "glue:GetTables"]
    resources = [
      "arn:aws:glue:${local.region}:${local.account}:catalog",
      "arn:aws:glue:${local.region}:${local.account}:database/${local.athena.database}",
      "arn:aws:glue:${local.region}:${local.account}:table/${local.athena.database}/findings",
      "arn:aws:glue:${local.region}:${local.account}:table/${local.athena.database}/report_findings",
    ]
  }

  statement {
    sid       = "FindTheFindings"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.store.arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${local.report.store.prefix}findings/*"]
    }
  }

  statement {
    sid       = "ReadTheFindings"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.store.arn}/${local.report.store.prefix}findings/*"]
  }

  statement {
    sid     = "FindTheBuckets"
    actions = ["s3:GetBucketLocation"]
    resources = [
      aws_s3_bucket.store.arn,
      "arn:aws:s3:::${var.athena_results.bucket}",
    ]
  }

  statement {
    sid       = "ListTheResults"
    actions   = ["s3:ListBucket", "s3:ListBucketMultipartUploads"]
    resources = ["arn:aws:s3:::${var.athena_results.bucket}"]
  }

  statement {
    sid       = "KeepTheResults"
    actions   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"]
    resources = ["arn:aws:s3:::${var.athena_results.bucket}/${var.athena_results.prefix}*"]
  }
}

resource "aws_iam_role_policy" "quicksight" {
  for_each = local.with_quicksight

  name   = "own"
  role   = aws_iam_role.quicksight[each.key].name
  policy = data.aws_iam_policy_document.quicksight[each.key].json
}

# Whoever looks at the dashboard may build an analysis on source and data set, and change neither: they are Terraform's.
resource "aws_quicksight_data_source" "this" {
  for_each = local.with_quicksight

  data_source_id = "banto"
  name           = "Banto"
  type           = "ATHENA"

  parameters {
    athena {
      work_group = local.athena.workgroup
      role_arn   = aws_iam_role.quicksight[each.key].arn
    }
  }

  permission {
    principal = var.quicksight.principal
    actions = [
      "quicksight:DescribeDataSource",
      "quicksight:DescribeDataSourcePermissions",
      "quicksight:PassDataSource",
    ]
  }

  # QuickSight tries the role when the source is made.
  depends_on = [aws_iam_role_policy.quicksight]
}

# Each look queries Athena, which reads some megabytes. Imported into SPICE, the findings would need a schedule of their own to be
# as new as the report.
resource "aws_quicksight_data_set" "this" {
  for_each = local.with_quicksight

  data_set_id = "banto-findings"
  name        = "Findings"
  import_mode = "DIRECT_QUERY"

  physical_table_map {
    physical_table_map_id = "findings"

    custom_sql {
      data_source_arn = aws_quicksight_data_source.this[each.key].arn
      name            = "findings"
      sql_query       = local.findings

      dynamic "columns" {
        for_each = local.columns
        content {
          name = columns.key
          type = columns.value
        }
      }
    }
  }

  permissions {
    principal = var.quicksight.principal
    actions = [
      "quicksight:DescribeDataSet",
      "quicksight:DescribeDataSetPermissions",
      "quicksight:DescribeIngestion",
      "quicksight:ListIngestions",
      "quicksight:PassDataSet",
    ]
  }
}

# A stack rather than aws_quicksight_dashboard: a definition is hundreds of nested blocks there, and plain JSON here.
resource "aws_cloudformation_stack" "quicksight_dashboard" {
  #checkov:skip=CKV_AWS_124:Terraform waits for the stack, and fails with its reason
  for_each = local.with_quicksight

  name = "banto-quicksight-dashboard"

  # Without white space: a request takes 51,200 bytes of template (CloudFormation user guide, "Understand CloudFormation quotas").
  template_body = jsonencode(jsondecode(file("${path.module}/quicksight-dashboard.json")))

  parameters = {
    DashboardId = "banto-compliance"
    DataSetArn  = aws_quicksight_data_set.this[each.key].arn
    Principal   = var.quicksight.principal
  }
}
