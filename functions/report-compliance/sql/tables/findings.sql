-- The report's own findings: a row for each that is, or was a month before, not compliant. All
-- columns are texts, as the SerDe wants it; the view report_findings has their types. (Athena user
-- guide, "Open CSV SerDe".)
CREATE EXTERNAL TABLE IF NOT EXISTS findings (
  account_id string,
  account_name string,
  owner string,
  unit string,
  region string,
  rule string,
  rule_name string,
  source string,
  severity string,
  resource_type string,
  resource_id string,
  resource_name string,
  resource_arn string,
  status string,
  since string,
  age_days string,
  seen_at string,
  unknown_because string,
  waiver_owner string,
  waiver_reason string,
  waiver_until string
)
PARTITIONED BY (month string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'
STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION '${store}findings/'
TBLPROPERTIES (
  'skip.header.line.count' = '1',
  'projection.enabled' = 'true',
  'projection.month.type' = 'date',
  'projection.month.format' = 'yyyy-MM',
  'projection.month.range' = '2014-11,NOW',
  'projection.month.interval' = '1',
  'projection.month.interval.unit' = 'MONTHS',
  'storage.location.template' = '${store}findings/month=$${month}/'
)
