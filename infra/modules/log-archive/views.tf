# A view of Athena is a table of Glue whose text is the statement and its columns, in Base64. AWS documents no other way than
# CREATE VIEW, which would have to be run by hand; the form below is the one that Athena leaves behind.
# (iconara/terraform-aws-athena-view; docs/UNPROVEN.md.)

locals {
  # Of each view its columns with Presto's types, in the order of its SELECT. infra/tests/test_glue.py holds them to it.
  snapshot = [
    ["account", "varchar"], ["region", "varchar"], ["year", "integer"], ["month", "integer"], ["day", "integer"],
  ]
  taken = [["path", "varchar"], ["taken", "varchar"]]

  view_columns = {
    snapshots = concat(local.snapshot, local.taken, [
      ["is_readable", "boolean"],
      ["items", local.items.presto],
    ])
    evaluations = concat(local.snapshot, local.taken, [
      ["recorded_at", "varchar"],
      ["resource_type", "varchar"],
      ["resource_id", "varchar"],
      ["rule", "varchar"],
      ["verdict", "varchar"],
    ])
    resources = concat(local.snapshot, local.taken, [
      ["resource_type", "varchar"],
      ["resource_id", "varchar"],
      ["name", "varchar"],
      ["arn", "varchar"],
    ])
    recorded = concat(local.snapshot, [
      ["resource_type", "varchar"],
      ["resource_id", "varchar"],
      ["recorded_at", "varchar"],
      ["unreadable_path", "varchar"],
    ])
    report_findings = [
      ["month", "varchar"],
      ["account_id", "varchar"],
      ["account_name", "varchar"],
      ["owner", "varchar"],
      ["unit", "varchar"],
      ["region", "varchar"],
      ["rule", "varchar"],
      ["rule_name", "varchar"],
      ["source", "varchar"],
      ["severity", "varchar"],
      ["resource_type", "varchar"],
      ["resource_id", "varchar"],
      ["resource_name", "varchar"],
      ["resource_arn", "varchar"],
      ["status", "varchar"],
      ["since", "timestamp(3)"],
      ["age_days", "integer"],
      ["seen_at", "timestamp(3)"],
      ["unknown_because", "varchar"],
      ["waiver_owner", "varchar"],
      ["waiver_reason", "varchar"],
      ["waiver_until", "timestamp(3)"],
    ]
  }

  # The items of a snapshot are the table's, in Presto's words: row(name type), where Hive has struct<name:type>.
  items_hive = try(one([for column in local.tables.config_snapshots.columns : column.type if column.name == "configurationitems"]), "")
  items = {
    hive   = local.items_hive
    presto = replace(replace(replace(replace(local.items_hive, "array<struct<", "array(row("), ">>", "))"), ":string", " varchar"), ",", ", ")
  }

  # Glue has Hive's names of the same types.
  hive = {
    varchar              = "string"
    integer              = "int"
    boolean              = "boolean"
    "timestamp(3)"       = "timestamp"
    (local.items.presto) = local.items.hive
  }

  views = {
    for name, columns in local.athena == null ? {} : local.view_columns : name => {
      columns = columns
      sql     = trimspace(regex("(?s)CREATE OR REPLACE VIEW ${name} AS\n(.*)$", file("${local.sql}/views/${name}.sql"))[0])
    }
  }
}

resource "aws_glue_catalog_table" "views" {
  for_each = local.views

  database_name      = aws_glue_catalog_database.this["athena"].name
  name               = each.key
  table_type         = "VIRTUAL_VIEW"
  parameters         = { presto_view = "true", comment = "Presto View" }
  view_expanded_text = "/* Presto View */"

  view_original_text = "/* Presto View: ${base64encode(jsonencode({
    originalSql = each.value.sql
    catalog     = "awsdatacatalog"
    schema      = local.athena.database
    columns     = [for column in each.value.columns : { name = column[0], type = column[1] }]
  }))} */"

  storage_descriptor {
    dynamic "columns" {
      for_each = each.value.columns

      content {
        name = columns.value[0]
        type = local.hive[columns.value[1]]
      }
    }

    ser_de_info {
      name                  = "-"
      serialization_library = "-"
    }
  }

  # A view is stale for as long as a table that it names is missing.
  depends_on = [aws_glue_catalog_table.tables]
}
