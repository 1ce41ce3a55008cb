-- Takes the turn of a sink, or keeps it, for $4 seconds; nothing where another process holds it. Says whether nobody else has had
-- it since this process did.
WITH before AS (
  SELECT holder FROM sync_turns WHERE workspace_id = $1 AND sink = $2
)
INSERT INTO sync_turns AS t (workspace_id, sink, holder, held_until)
VALUES ($1, $2, $3, now() + make_interval(secs => $4))
ON CONFLICT (workspace_id, sink) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
WHERE t.holder = excluded.holder OR t.held_until <= now()
RETURNING coalesce((SELECT holder FROM before) = $3, false) AS is_kept
