-- The data set of QuickSight: a row for each finding and month, in types that QuickSight knows.
-- Moments are made anew from their text: neither QuickSight nor a cast of Athena's engine 3 takes a
-- timestamp with time zone. (Athena user guide, "Athena engine version 3", breaking changes.)
-- The numbers are 1 or 0, so that a sum counts findings, and a month without any is 0.
SELECT
  date_parse(month || '-01', '%Y-%m-%d') AS month_start,
  CASE WHEN month = MAX(month) OVER () THEN 'newest' ELSE 'earlier' END AS which_month,
  account_id,
  account_name,
  owner,
  unit,
  region,
  rule,
  rule_name,
  source,
  severity,
  resource_type,
  resource_id,
  resource_name,
  resource_arn,
  status,
  date_parse(date_format(since, '%Y-%m-%d %H:%i:%s'), '%Y-%m-%d %H:%i:%s') AS since,
  age_days,
  unknown_because,
  waiver_owner,
  waiver_reason,
  date_parse(date_format(waiver_until, '%Y-%m-%d %H:%i:%s'), '%Y-%m-%d %H:%i:%s') AS waiver_until,
  CASE WHEN status = 'new' THEN 1 ELSE 0 END AS new_findings,
  CASE WHEN status = 'open' THEN 1 ELSE 0 END AS open_findings,
  CASE WHEN status IN ('new', 'open') THEN 1 ELSE 0 END AS unresolved_findings,
  CASE WHEN status = 'fixed' THEN 1 ELSE 0 END AS fixed_findings
FROM report_findings
