-- What this node left behind, to compare with its own record: behind it means a restored backup.
SELECT incarnation, heartbeat_at FROM nodes WHERE id = $1
