-- A row for each snapshot, with its items. One that is not JSON has none and is not readable.
-- `taken` is UTC, as 20261031T060000Z.
CREATE OR REPLACE VIEW snapshots AS
SELECT
  account,
  region,
  year,
  month,
  day,
  "$path" AS path,
  regexp_extract("$path", '_ConfigSnapshot_([0-9]{8}T[0-9]{6}Z)_', 1) AS taken,
  fileversion IS NOT NULL OR configurationitems IS NOT NULL AS is_readable,
  configurationitems AS items
FROM config_snapshots
