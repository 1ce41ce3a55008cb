-- Jobs that ended a week ago are forgotten, some at a time.
DELETE FROM sync_jobs
WHERE workspace_id = $1 AND id IN (
  SELECT id FROM sync_jobs
  WHERE workspace_id = $1 AND state <> 'open' AND ended_at < now() - interval '7 days'
  ORDER BY ended_at
  LIMIT 100)
