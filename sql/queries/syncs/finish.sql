-- A job's pass came to its end. The job is done, unless it was asked for again since the pass began: then it passes through
-- what has changed since, with a minute for writes that were under way.
UPDATE sync_jobs
SET state = CASE WHEN again THEN 'open' ELSE 'done' END,
    ended_at = CASE WHEN again THEN NULL ELSE now() END,
    since = CASE WHEN again THEN pass_at - interval '1 minute' ELSE since END,
    pass_at = CASE WHEN again THEN NULL ELSE pass_at END,
    cursor = CASE WHEN again THEN '' ELSE cursor END,
    again = false
WHERE workspace_id = $1 AND id = $2 AND state = 'open'
  AND EXISTS (SELECT FROM sync_turns t WHERE t.workspace_id = $1 AND t.sink = $3 AND t.holder = $4)
