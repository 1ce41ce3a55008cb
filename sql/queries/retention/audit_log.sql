-- Entries of an earlier day.
SELECT id, 0::bigint AS number, '' AS name, to_jsonb(a)::text AS line
FROM audit_log a
WHERE created_at < $1
ORDER BY created_at
LIMIT $2
