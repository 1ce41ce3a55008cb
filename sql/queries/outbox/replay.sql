-- Dead deliveries begin anew, under the id that they had: all of them, or those of one event.
UPDATE webhook_deliveries SET dead_at = NULL, attempts = 0, since = $2, next_at = $2
WHERE (outbox_id, webhook_id) IN (
  SELECT outbox_id, webhook_id FROM webhook_deliveries
  WHERE dead_at IS NOT NULL AND ($1::uuid IS NULL OR outbox_id = $1)
  ORDER BY workspace_id, outbox_id
  LIMIT $3
  FOR UPDATE
)
RETURNING outbox_id
