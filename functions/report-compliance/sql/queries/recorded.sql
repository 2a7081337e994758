-- The numbers of configuration items that were recorded in the month, and history files that can't
-- be read.
SELECT account, resource_type, unreadable_path, COUNT(*) AS items
FROM recorded
WHERE year = {year} AND month = {month}
GROUP BY account, resource_type, unreadable_path
ORDER BY account
