-- Deliveries that were given up, the oldest first.
SELECT w.slug, d.outbox_id, d.webhook_id, o.kind AS event, d.attempts, d.dead_at, d.last_error
FROM webhook_deliveries d
JOIN outbox o ON o.id = d.outbox_id
JOIN workspaces w ON w.id = d.workspace_id
WHERE d.dead_at IS NOT NULL
ORDER BY d.workspace_id, d.outbox_id
LIMIT $1
