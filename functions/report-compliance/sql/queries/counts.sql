-- The numbers of evaluations of the last snapshot of each account and region, but those of global
-- resources, which each region may repeat.
WITH latest AS (
  SELECT account, region, max_by(path, concat(taken, path)) AS path
  FROM snapshots
  WHERE ({days}) AND taken < '{end}' AND is_readable
  GROUP BY account, region
),
evaluated AS (
  SELECT account, region, path, rule, resource_type, resource_id, verdict
  FROM evaluations
  WHERE ({days}) AND taken < '{end}'
)
SELECT evaluated.account, evaluated.region, rule, verdict, COUNT(*) AS evaluations
FROM evaluated
JOIN latest ON latest.path = evaluated.path
WHERE resource_type NOT LIKE 'AWS::IAM::%' AND resource_id IS NOT NULL
GROUP BY evaluated.account, evaluated.region, rule, verdict
ORDER BY evaluated.account
