-- A row for each resource in each snapshot. Items of compliance are none, nor those of resources
-- that are gone.
CREATE OR REPLACE VIEW resources AS
SELECT
  account,
  region,
  year,
  month,
  day,
  path,
  taken,
  item.resourcetype AS resource_type,
  item.resourceid AS resource_id,
  item.resourcename AS name,
  COALESCE(item.arn, item.arn_in_small) AS arn
FROM snapshots
CROSS JOIN UNNEST(items) AS t(item)
WHERE item.resourcetype NOT IN (
    'AWS::Config::ResourceCompliance',
    'AWS::Config::ConformancePackCompliance'
  )
  AND COALESCE(item.configurationitemstatus, '') NOT LIKE 'ResourceDeleted%'
