-- How long the first answers of a period took: the counts of its parts, which are as few as cover it. OFFSET 0 has each part
-- read by its key.
SELECT r.first_response_ms
FROM unnest($3::text[], $4::timestamptz[], $5::timestamptz[]) AS part (grain, first, behind)
CROSS JOIN LATERAL (
  SELECT first_response_ms
  FROM interaction_rollups
  WHERE workspace_id = $1 AND mode = $2 AND grain = part.grain AND at >= part.first AND at < part.behind
  OFFSET 0
) r
LIMIT 2000
