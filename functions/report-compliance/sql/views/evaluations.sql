-- A row for each resource under each rule, in each snapshot. AWS Config has written the keys of a
-- compliance item in either case. Its own id is the resource's type and id, with a slash between.
CREATE OR REPLACE VIEW evaluations AS
WITH compliance AS (
  SELECT
    account,
    region,
    year,
    month,
    day,
    path,
    taken,
    item.configurationitemcapturetime AS recorded_at,
    item.resourceid AS own_id,
    item.configuration AS configuration,
    COALESCE(
      CAST(json_extract(item.configuration, '$.configRuleList') AS ARRAY(JSON)),
      CAST(json_extract(item.configuration, '$.configrulelist') AS ARRAY(JSON))
    ) AS rules
  FROM snapshots
  CROSS JOIN UNNEST(items) AS t(item)
  WHERE item.resourcetype = 'AWS::Config::ResourceCompliance'
    AND COALESCE(item.configurationitemstatus, '') NOT LIKE 'ResourceDeleted%'
)
SELECT
  account,
  region,
  year,
  month,
  day,
  path,
  taken,
  recorded_at,
  COALESCE(
    json_extract_scalar(configuration, '$.targetResourceType'),
    json_extract_scalar(configuration, '$.targetresourcetype'),
    NULLIF(regexp_extract(own_id, '^([^/]+)/(.+)$', 1), '')
  ) AS resource_type,
  COALESCE(
    json_extract_scalar(configuration, '$.targetResourceId'),
    json_extract_scalar(configuration, '$.targetresourceid'),
    NULLIF(regexp_extract(own_id, '^([^/]+)/(.+)$', 2), '')
  ) AS resource_id,
  COALESCE(
    json_extract_scalar(entry, '$.configRuleName'),
    json_extract_scalar(entry, '$.configrulename')
  ) AS rule,
  COALESCE(
    json_extract_scalar(entry, '$.complianceType'),
    json_extract_scalar(entry, '$.compliancetype')
  ) AS verdict
FROM compliance
CROSS JOIN UNNEST(rules) AS r(entry)
