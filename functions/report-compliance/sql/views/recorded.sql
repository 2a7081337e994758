-- A row for each configuration item that was recorded, which AWS Config's bill comes from; and one
-- with its path for each history file that is not JSON.
CREATE OR REPLACE VIEW recorded AS
SELECT
  account,
  region,
  year,
  month,
  day,
  item.resourcetype AS resource_type,
  item.resourceid AS resource_id,
  item.configurationitemcapturetime AS recorded_at,
  CAST(NULL AS varchar) AS unreadable_path
FROM config_history
CROSS JOIN UNNEST(configurationitems) AS t(item)
UNION ALL
SELECT
  account,
  region,
  year,
  month,
  day,
  CAST(NULL AS varchar) AS resource_type,
  CAST(NULL AS varchar) AS resource_id,
  CAST(NULL AS varchar) AS recorded_at,
  "$path" AS unreadable_path
FROM config_history
WHERE fileversion IS NULL AND configurationitems IS NULL
