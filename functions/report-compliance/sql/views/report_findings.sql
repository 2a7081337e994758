-- The report's findings with their types. The CSV is for spreadsheets too, so that a text which
-- begins like a formula has an apostrophe before it; here it has none. Moments are UTC, of type
-- timestamp(3): Glue has no type for a timestamp with time zone, and Athena refuses a view with one.
CREATE OR REPLACE VIEW report_findings AS
SELECT
  month,
  account_id,
  regexp_replace(account_name, '^''', '') AS account_name,
  regexp_replace(owner, '^''', '') AS owner,
  regexp_replace(unit, '^''', '') AS unit,
  region,
  regexp_replace(rule, '^''', '') AS rule,
  regexp_replace(rule_name, '^''', '') AS rule_name,
  source,
  severity,
  regexp_replace(resource_type, '^''', '') AS resource_type,
  regexp_replace(resource_id, '^''', '') AS resource_id,
  regexp_replace(resource_name, '^''', '') AS resource_name,
  regexp_replace(resource_arn, '^''', '') AS resource_arn,
  status,
  TRY(date_parse(substr(since, 1, 19), '%Y-%m-%dT%H:%i:%s')) AS since,
  TRY_CAST(age_days AS integer) AS age_days,
  TRY(date_parse(substr(seen_at, 1, 19), '%Y-%m-%dT%H:%i:%s')) AS seen_at,
  NULLIF(unknown_because, '') AS unknown_because,
  NULLIF(regexp_replace(waiver_owner, '^''', ''), '') AS waiver_owner,
  NULLIF(regexp_replace(waiver_reason, '^''', ''), '') AS waiver_reason,
  TRY(date_parse(substr(waiver_until, 1, 19), '%Y-%m-%dT%H:%i:%s')) AS waiver_until
FROM findings
