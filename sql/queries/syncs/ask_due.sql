-- Asks for the sync of the schedule, unless it was asked for in the last $6 minutes, by whichever server. It looks $5 hours
-- back, and back to the last one that was done where that is longer ago, with a minute for writes that were under way then:
-- so an outage leaves no gap.
INSERT INTO sync_jobs AS j (workspace_id, id, sink, scope, dry_run, since, state, asked_at, worked_at)
SELECT $1, $2, $3, $4, false,
       least(now() - make_interval(hours => $5),
             (SELECT max(asked_at) - interval '1 minute' FROM sync_jobs
              WHERE workspace_id = $1 AND sink = $3 AND scope = $4 AND state = 'done')),
       'open', now(), now()
WHERE NOT EXISTS (SELECT FROM sync_jobs
                  WHERE workspace_id = $1 AND sink = $3 AND scope = $4 AND asked_at > now() - make_interval(mins => $6))
ON CONFLICT (workspace_id, sink, scope, dry_run) WHERE state <> 'done' DO UPDATE
SET again = j.again OR j.pass_at IS NOT NULL, since = least(j.since, excluded.since), state = 'open', error = NULL,
    ended_at = NULL, asked_at = excluded.asked_at
RETURNING id
