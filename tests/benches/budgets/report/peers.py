"""What report-compliance's engine reads of an archive, by DuckDB or DataFusion: `peers.py ENGINE DIRECTORY`.

Prints the number of evaluations by account, region, rule and verdict, and how many are not compliant, of
which each is fetched. Then says on standard error what it took: CPU time in nanoseconds, peak memory in
bytes. Both are told the types of what they need, which spares them guessing, and much of the parsing; both
read the archive once.
"""

import re
import sys
import time

COUNTS = """
SELECT account, region, rule, verdict, COUNT(*) AS evaluations FROM evaluations
GROUP BY account, region, rule, verdict ORDER BY account, region, rule, verdict
"""
OPEN = "SELECT account, region, rule, resource_type, resource_id FROM evaluations WHERE verdict = 'NON_COMPLIANT'"


def duckdb(directory):
    import duckdb

    database = duckdb.connect()
    rule = "STRUCT(configRuleName VARCHAR, complianceType VARCHAR)[]"
    configuration = f"STRUCT(targetResourceType VARCHAR, targetResourceId VARCHAR, configRuleList {rule})"
    item = f"STRUCT(awsAccountId VARCHAR, awsRegion VARCHAR, resourceType VARCHAR, configuration {configuration})"
    database.execute(
        f"""
        CREATE TABLE evaluations AS
        WITH items AS (
          SELECT UNNEST(configurationItems) AS item
          FROM read_json('{directory}/AWSLogs/**/*.json.gz', format = 'newline_delimited',
            columns = {{'configurationItems': '{item}[]'}}, maximum_object_size = 268435456)
        ), rules AS (
          SELECT item, UNNEST(item.configuration.configRuleList) AS rule FROM items
          WHERE item.resourceType = 'AWS::Config::ResourceCompliance'
        )
        SELECT item.awsAccountId AS account, item.awsRegion AS region, rule.configRuleName AS rule,
          rule.complianceType AS verdict, item.configuration.targetResourceType AS resource_type,
          item.configuration.targetResourceId AS resource_id
        FROM rules
        """
    )
    return lambda sql: database.sql(sql).to_arrow_table()


def datafusion(directory):
    import pyarrow
    from datafusion import SessionConfig, SessionContext

    text = pyarrow.string()
    rule = pyarrow.struct({"configRuleName": text, "complianceType": text})
    configuration = pyarrow.struct(
        {"targetResourceType": text, "targetResourceId": text, "configRuleList": pyarrow.list_(rule)}
    )
    item = pyarrow.struct(
        {"awsAccountId": text, "awsRegion": text, "resourceType": text, "configuration": configuration}
    )
    # It looks into subdirectories only if told to.
    options = {"datafusion.execution.listing_table_ignore_subdirectory": "false"}
    context = SessionContext(SessionConfig(options))
    context.register_json(
        "snapshots",
        f"{directory}/AWSLogs/",
        schema=pyarrow.schema({"configurationItems": pyarrow.list_(item)}),
        file_extension=".json.gz",
        file_compression_type="gzip",
    )
    evaluations = context.sql(
        """
        WITH items AS (
          SELECT UNNEST("configurationItems") AS item FROM snapshots
        ), rules AS (
          SELECT item, UNNEST(item['configuration']['configRuleList']) AS rule FROM items
          WHERE item['resourceType'] = 'AWS::Config::ResourceCompliance'
        )
        SELECT item['awsAccountId'] AS account, item['awsRegion'] AS region,
          rule['configRuleName'] AS rule, rule['complianceType'] AS verdict,
          item['configuration']['targetResourceType'] AS resource_type,
          item['configuration']['targetResourceId'] AS resource_id
        FROM rules
        """
    )
    context.register_view("evaluations", evaluations.cache())
    return lambda sql: pyarrow.Table.from_batches(context.sql(sql).collect())


def main():
    engine, directory = sys.argv[1:]
    query = {"duckdb": duckdb, "datafusion": datafusion}[engine](directory)
    for row in query(COUNTS).to_pylist():
        print(*row.values(), sep=",")
    print(query(OPEN).num_rows, "not compliant")
    # Its own peak; the one of getrusage would be that of whoever started it, if that was more.
    peak = re.search(r"VmHWM:\s*(\d+) kB", open("/proc/self/status").read())[1]
    print(time.process_time_ns(), int(peak) * 1024, file=sys.stderr)


main()
