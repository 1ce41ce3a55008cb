-- A job cannot go on until somebody has done something about it, and asks for it again.
UPDATE sync_jobs SET state = 'stopped', error = $5, ended_at = now()
WHERE workspace_id = $1 AND id = $2 AND state = 'open'
  AND EXISTS (SELECT FROM sync_turns t WHERE t.workspace_id = $1 AND t.sink = $3 AND t.holder = $4)
