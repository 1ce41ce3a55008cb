-- What stands, the newest first, and beside each how many stand of every kind: of the same moment. A workspace has no more
-- than a thousand.
WITH standing AS (
  SELECT id, kind, subject, reason, times, first_at, last_at FROM processing_failures WHERE workspace_id = $1
)
SELECT id, kind, subject, reason, times, first_at, last_at,
       (SELECT jsonb_object_agg(kind, many) FROM (SELECT kind, count(*) AS many FROM standing GROUP BY kind) AS k) AS by_kind
FROM standing
ORDER BY last_at DESC, id DESC
LIMIT $2
