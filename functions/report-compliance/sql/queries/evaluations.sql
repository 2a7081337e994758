-- The evaluations that count one by one, of the last snapshot of each account and region: those that
-- are neither compliant nor not applicable, those of global resources, and those of findings that
-- were open at the end of the month before.
WITH latest AS (
  SELECT account, region, max_by(path, concat(taken, path)) AS path
  FROM snapshots
  WHERE ({days}) AND taken < '{end}' AND is_readable
  GROUP BY account, region
),
evaluated AS (
  SELECT account, region, path, rule, resource_type, resource_id, verdict, recorded_at
  FROM evaluations
  WHERE ({days}) AND taken < '{end}'
),
named AS (
  SELECT path, resource_type, resource_id, MAX(name) AS name, MAX(arn) AS arn
  FROM resources
  WHERE ({days}) AND taken < '{end}'
  GROUP BY path, resource_type, resource_id
),
before AS (
  SELECT DISTINCT account_id, region, rule, resource_type, resource_id
  FROM report_findings
  WHERE month = '{previous}' AND status IN ('new', 'open', 'waived', 'unknown')
)
SELECT
  evaluated.account,
  evaluated.region,
  evaluated.rule,
  evaluated.resource_type,
  evaluated.resource_id,
  named.name,
  named.arn,
  evaluated.verdict,
  evaluated.recorded_at
FROM evaluated
JOIN latest ON latest.path = evaluated.path
LEFT JOIN named
  ON named.path = evaluated.path
  AND named.resource_type = evaluated.resource_type
  AND named.resource_id = evaluated.resource_id
LEFT JOIN before
  ON before.account_id = evaluated.account
  AND before.region = evaluated.region
  AND before.rule = evaluated.rule
  AND before.resource_type = evaluated.resource_type
  AND before.resource_id = evaluated.resource_id
WHERE before.account_id IS NOT NULL
  OR evaluated.resource_type IS NULL
  OR evaluated.resource_id IS NULL
  OR evaluated.resource_type LIKE 'AWS::IAM::%'
  OR COALESCE(evaluated.verdict, '') NOT IN ('COMPLIANT', 'NOT_APPLICABLE')
ORDER BY evaluated.account
