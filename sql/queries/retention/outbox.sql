-- What was told to the outside long ago; what was not stays until it is.
SELECT id, 0::bigint AS number, '' AS name, to_jsonb(o)::text AS line
FROM outbox o
WHERE delivered_at < $1
ORDER BY delivered_at
LIMIT $2
