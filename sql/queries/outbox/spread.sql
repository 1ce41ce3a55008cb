-- Gives the next events to the webhooks of their workspaces that want to hear of them; where none does, that is all.
WITH events AS (
  SELECT workspace_id, id, kind FROM outbox
  WHERE spread_at IS NULL AND next_at <= $1
  ORDER BY next_at
  LIMIT $2
  FOR UPDATE SKIP LOCKED
), spread AS (
  INSERT INTO webhook_deliveries (workspace_id, outbox_id, webhook_id, next_at, since)
  SELECT e.workspace_id, e.id, w.id, $1, $1
  FROM events e
  JOIN webhooks w ON w.workspace_id = e.workspace_id AND w.enabled AND (w.events = '{}' OR e.kind = ANY (w.events))
  ON CONFLICT (outbox_id, webhook_id) DO NOTHING
)
UPDATE outbox o SET spread_at = $1 FROM events e WHERE o.id = e.id RETURNING o.id
