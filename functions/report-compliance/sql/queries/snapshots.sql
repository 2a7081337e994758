-- The last snapshot of each account and region that can be read, and those after it that can't.
WITH known AS (
  SELECT
    account,
    region,
    year,
    month,
    day,
    path,
    taken,
    is_readable,
    concat(taken, path) AS place,
    cardinality(filter(
      items,
      i -> COALESCE(i.resourcetype, '') NOT IN (
          '',
          'AWS::Config::ResourceCompliance',
          'AWS::Config::ConformancePackCompliance'
        )
        AND i.resourceid IS NOT NULL
        AND COALESCE(i.configurationitemstatus, '') NOT LIKE 'ResourceDeleted%'
    )) AS resources,
    cardinality(filter(
      items, i -> COALESCE(i.resourcetype, '') = '' OR i.resourceid IS NULL
    )) AS odd
  FROM snapshots
  WHERE ({days}) AND taken < '{end}'
),
latest AS (
  SELECT account, region, MAX(place) AS place
  FROM known
  WHERE is_readable
  GROUP BY account, region
)
SELECT
  known.account,
  known.region,
  year,
  month,
  day,
  path,
  taken,
  is_readable,
  COALESCE(resources, 0) AS resources,
  COALESCE(odd, 0) AS odd
FROM known
LEFT JOIN latest ON latest.account = known.account AND latest.region = known.region
WHERE latest.place IS NULL OR known.place >= latest.place
ORDER BY known.account, known.region, known.place
