-- Still here, if still this incarnation.
UPDATE nodes SET heartbeat_at = $3 WHERE id = $1 AND incarnation = $2 RETURNING incarnation
