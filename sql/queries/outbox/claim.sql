-- Takes deliveries that are due, some of each webhook, so that one that hangs keeps none of the others waiting: those in
-- $5 have enough to do. Who took them and dies leaves them to be due again at $4.
WITH due AS (
  SELECT d.outbox_id, w.id AS webhook_id, w.url, w.kind, w.secret
  FROM webhooks w
  CROSS JOIN LATERAL (
    SELECT outbox_id FROM webhook_deliveries
    WHERE webhook_id = w.id AND delivered_at IS NULL AND dead_at IS NULL AND next_at <= $1
    ORDER BY next_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
  ) d
  WHERE w.enabled AND w.id <> ALL ($5)
  LIMIT $3
), claimed AS (
  UPDATE webhook_deliveries d SET attempts = d.attempts + 1, next_at = $4, claimed_by = $6
  FROM due
  WHERE d.outbox_id = due.outbox_id AND d.webhook_id = due.webhook_id
  RETURNING d.outbox_id, d.webhook_id, d.attempts, d.since
)
SELECT o.workspace_id, o.id, o.kind AS event, o.subject_id, o.payload, o.created_at, c.attempts, c.since, c.webhook_id,
       due.url, due.kind, due.secret
FROM claimed c
JOIN due ON due.outbox_id = c.outbox_id AND due.webhook_id = c.webhook_id
JOIN outbox o ON o.id = c.outbox_id
