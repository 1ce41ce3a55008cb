-- Takes the turn of a sink, or keeps it, for $4 seconds; nothing where another process holds it.
INSERT INTO sync_turns AS t (workspace_id, sink, holder, held_until)
VALUES ($1, $2, $3, now() + make_interval(secs => $4))
ON CONFLICT (workspace_id, sink) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
WHERE t.holder = excluded.holder OR t.held_until < now()
RETURNING holder
