-- Still here, if still this incarnation; what the row said before, since an earlier moment than the last one told means
-- that the database was put back; and whether the log is still the one that this node speaks of. A clock that steps back
-- moves nothing.
WITH before AS (
  SELECT id, heartbeat_at FROM nodes WHERE id = $1 AND incarnation = $2 FOR NO KEY UPDATE
)
UPDATE nodes SET heartbeat_at = greatest($3, before.heartbeat_at)
FROM before
WHERE nodes.id = before.id
RETURNING before.heartbeat_at AS stood_at, nodes.heartbeat_at AS stands_at, (SELECT log_epoch FROM deployment)
