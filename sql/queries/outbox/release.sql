-- What this node had taken when it died is due at once.
UPDATE webhook_deliveries SET next_at = $2, claimed_by = NULL
WHERE claimed_by = $1 AND delivered_at IS NULL AND dead_at IS NULL
