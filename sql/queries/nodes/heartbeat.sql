-- Still here, if still this incarnation; and whether the log is still the one that this node speaks of.
UPDATE nodes SET heartbeat_at = $3 WHERE id = $1 AND incarnation = $2
RETURNING (SELECT log_epoch FROM deployment)
