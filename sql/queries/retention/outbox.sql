-- What was told to the outside long ago; what still waits for a webhook stays until it is.
SELECT id, 0::bigint AS number, '' AS name, to_jsonb(o)::text AS line
FROM outbox o
WHERE spread_at < $1
  AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.outbox_id = o.id AND d.delivered_at IS NULL AND d.dead_at IS NULL)
ORDER BY spread_at
LIMIT $2
