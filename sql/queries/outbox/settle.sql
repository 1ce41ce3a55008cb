-- What became of an attempt: delivered, dead, or due again. One that came back late changes nothing that was delivered.
UPDATE webhook_deliveries
SET claimed_by = NULL, delivered_at = $4, dead_at = $5, next_at = coalesce($6, next_at), last_error = $7
WHERE workspace_id = $1 AND outbox_id = $2 AND webhook_id = $3 AND delivered_at IS NULL
