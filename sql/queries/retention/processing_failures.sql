-- What failed last long ago, and was not mended since.
SELECT id, 0::bigint AS number, '' AS name, to_jsonb(f)::text AS line
FROM processing_failures f
WHERE last_at < $1
ORDER BY last_at
LIMIT $2
