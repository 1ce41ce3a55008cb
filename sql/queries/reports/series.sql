-- A period bucket by bucket; those in which nothing happened have no row.
SELECT at, interactions, escalated, switchboard_percentile(processing_ms, 0.95) AS p95
FROM interaction_rollups
WHERE workspace_id = $1 AND mode = $2 AND grain = $3 AND at >= $4 AND at < $5
ORDER BY at
LIMIT 2000
