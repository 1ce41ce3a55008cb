-- Asks for a sync, where fewer than $8 are open. One of the same scope that is not done is the same job: it goes on where it
-- is and, if it has begun, passes once more through what has changed since it began. So nothing waits twice, and nothing that
-- was committed before it was asked for is left out.
INSERT INTO sync_jobs AS j (workspace_id, id, sink, scope, dry_run, contact_id, since, state, asked_at, worked_at)
SELECT $1, $2, $3, $4, $5, $6, now() - make_interval(hours => $7), 'open', now(), now()
WHERE (SELECT count(*) FROM sync_jobs WHERE workspace_id = $1 AND state = 'open') < $8
ON CONFLICT (workspace_id, sink, scope, dry_run) WHERE state <> 'done' DO UPDATE
SET again = j.again OR j.pass_at IS NOT NULL, since = least(j.since, excluded.since), state = 'open', error = NULL,
    ended_at = NULL, asked_at = excluded.asked_at
RETURNING id
