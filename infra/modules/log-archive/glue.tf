# The tables and views of functions/report-compliance/sql, as Athena's own statements would make them. The statements stay the
# one source: columns, SerDe and properties are read out of them, so that nobody has to run them by hand.

locals {
  sql = "${path.module}/../../../functions/report-compliance/sql"

  # What comes between report.archive's prefix and the account. onboard-accounts delivers below log_archive's prefix. A bucket
  # of Control Tower's has the Organization's id before AWSLogs or not: both are looked for. (docs/UNPROVEN.md)
  delivered_root = trimsuffix(local.delivered, "/")
  archive_prefix = try(local.report.archive.prefix, "")
  is_delivered   = try(local.report.archive.bucket, null) == local.bucket && startswith(local.delivered_root, local.archive_prefix)
  guessed_roots = distinct(concat(
    local.is_delivered ? [trimprefix(local.delivered_root, local.archive_prefix)] : [],
    !local.is_delivered || (var.existing && local.archive_prefix == "") ? ["AWSLogs", "${var.organization_id}/AWSLogs"] : [],
  ))
  roots = var.roots == null ? local.guessed_roots : distinct(var.roots)

  accounts = sort(distinct(concat(
    var.accounts,
    try([var.banto.organization.management_account], []),
    try(var.banto.organization.identity_accounts, []),
  )))

  placeholders = local.athena == null ? {} : {
    archive  = "s3://${local.report.archive.bucket}/${local.report.archive.prefix}"
    store    = "s3://${local.report.store.bucket}/${local.report.store.prefix}"
    roots    = join(",", sort(local.roots))
    accounts = join(",", local.accounts)
    regions  = join(",", sort(distinct(local.report.regions)))
  }

  statements = {
    for file in local.athena == null ? [] : fileset(local.sql, "tables/*.sql") :
    trimsuffix(basename(file), ".sql") => templatefile("${local.sql}/${file}", local.placeholders)
  }

  # The parts of each statement, as text.
  parts = {
    for name, statement in local.statements : name => regex(
      join("", [
        "(?s)CREATE EXTERNAL TABLE IF NOT EXISTS ${name} \\(\n(?P<columns>.*?)\n\\)\n",
        "PARTITIONED BY \\((?P<partitions>[^)]*)\\)\n",
        "ROW FORMAT SERDE '(?P<serde>[^']*)'\n",
        "(?:WITH SERDEPROPERTIES \\(\n(?P<serde_properties>.*?)\n\\)\n)?",
        "STORED AS INPUTFORMAT '(?P<input>[^']*)'\n",
        "OUTPUTFORMAT '(?P<output>[^']*)'\n",
        "LOCATION '(?P<location>[^']*)'\n",
        "TBLPROPERTIES \\(\n(?P<properties>.*?)\n\\)\n*$",
      ]),
      statement
    )
  }

  tables = {
    for name, part in local.parts : name => {
      # A column of more than one line is a struct, and is put onto one.
      columns          = [for line in split("\n", replace(replace(part.columns, "/\n    +/", ""), "/\n  >/", ">")) : regex("^  (?P<name>\\w+) (?P<type>.*?),?$", line)]
      partitions       = [for column in split(", ", part.partitions) : regex("^(?P<name>\\w+) (?P<type>\\w+)$", column)]
      serde            = part.serde
      serde_properties = { for pair in regexall("'([^']+)' =\\s+'([^']*)'", coalesce(part.serde_properties, " ")) : pair[0] => pair[1] }
      input            = part.input
      output           = part.output
      location         = part.location
      properties       = { for pair in regexall("'([^']+)' =\\s+'([^']*)'", part.properties) : pair[0] => pair[1] }
    }
  }
}

resource "aws_glue_catalog_database" "this" {
  for_each = local.with_athena

  name        = local.athena.database
  description = "AWS Config's archive, and the report's findings"

  # IAM alone decides who reads tables made in it, whatever Lake Formation does for others. (AWS Lake Formation developer
  # guide, "Changing the default settings for your data lake".)
  create_table_default_permission {
    permissions = ["ALL"]

    principal {
      data_lake_principal_identifier = "IAM_ALLOWED_PRINCIPALS"
    }
  }
}

resource "aws_glue_catalog_table" "tables" {
  for_each = local.tables

  database_name = aws_glue_catalog_database.this["athena"].name
  name          = each.key
  table_type    = "EXTERNAL_TABLE"
  # What Athena's own statement says of a table that lies in S3.
  parameters = merge(each.value.properties, { EXTERNAL = "TRUE" })

  storage_descriptor {
    location      = each.value.location
    input_format  = each.value.input
    output_format = each.value.output

    dynamic "columns" {
      for_each = each.value.columns

      content {
        name = columns.value.name
        type = columns.value.type
      }
    }

    ser_de_info {
      serialization_library = each.value.serde
      parameters            = each.value.serde_properties
    }
  }

  dynamic "partition_keys" {
    for_each = each.value.partitions

    content {
      name = partition_keys.value.name
      type = partition_keys.value.type
    }
  }

  lifecycle {
    precondition {
      # Glue API reference, TableInput: a parameter's value has no more than 512,000 signs, and an account takes 13.
      condition     = alltrue([for value in values(each.value.properties) : length(value) <= 512000])
      error_message = "A list of accounts, regions or roots is longer than Glue takes."
    }
  }
}
