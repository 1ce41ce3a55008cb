-- The open job of a sink that has waited longest. Jobs take turns, a step each, so that one contact need not wait for a
-- million.
SELECT id, dry_run, contact_id, since, cursor, processed, failed
FROM sync_jobs
WHERE workspace_id = $1 AND sink = $2 AND state = 'open'
ORDER BY worked_at, id
LIMIT 1
