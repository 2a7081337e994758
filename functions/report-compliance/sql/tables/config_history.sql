-- AWS Config's history files: one row an object.
--
-- Unpadded integers for year, month and day: keys have 2026/1/9 before 2026/1/10, and a text
-- compares them wrongly. An enum of accounts rather than injected ones: with those Athena refuses
-- every query that does not name its accounts. (Athena user guide, "Supported types for partition
-- projection", "Dynamic ID partitioning".) The case matters, since a resource may have a tag
-- Environment and another one environment; so each key is mapped by name. `configuration` is an
-- object or a text in the files, and a text here. (Athena user guide, "OpenX JSON SerDe".)
CREATE EXTERNAL TABLE IF NOT EXISTS config_history (
  fileversion string,
  configurationitems array<struct<
    resourcetype:string,
    resourceid:string,
    resourcename:string,
    arn:string,
    arn_in_small:string,
    configurationitemstatus:string,
    configurationitemcapturetime:string,
    configuration:string
  >>
)
PARTITIONED BY (root string, account string, region string, year int, month int, day int)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
WITH SERDEPROPERTIES (
  'case.insensitive' = 'false',
  'ignore.malformed.json' = 'true',
  'mapping.fileversion' = 'fileVersion',
  'mapping.configurationitems' = 'configurationItems',
  'mapping.resourcetype' = 'resourceType',
  'mapping.resourceid' = 'resourceId',
  'mapping.resourcename' = 'resourceName',
  'mapping.arn' = 'ARN',
  'mapping.arn_in_small' = 'arn',
  'mapping.configurationitemstatus' = 'configurationItemStatus',
  'mapping.configurationitemcapturetime' = 'configurationItemCaptureTime'
)
STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION '${archive}'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.root.type' = 'enum',
  'projection.root.values' = '${roots}',
  'projection.account.type' = 'enum',
  'projection.account.values' = '${accounts}',
  'projection.region.type' = 'enum',
  'projection.region.values' = '${regions}',
  'projection.year.type' = 'integer',
  'projection.year.range' = '2014,2099',
  'projection.month.type' = 'integer',
  'projection.month.range' = '1,12',
  'projection.day.type' = 'integer',
  'projection.day.range' = '1,31',
  'storage.location.template' =
    '${archive}$${root}/$${account}/Config/$${region}/$${year}/$${month}/$${day}/ConfigHistory/'
)
