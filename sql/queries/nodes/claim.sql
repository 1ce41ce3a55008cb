-- A node that starts raises its own incarnation: whatever its former self still has in flight can no longer commit.
INSERT INTO nodes AS n (id, incarnation) VALUES ($1, 1)
ON CONFLICT (id) DO UPDATE SET incarnation = n.incarnation + 1, started_at = now(), heartbeat_at = now()
RETURNING incarnation
