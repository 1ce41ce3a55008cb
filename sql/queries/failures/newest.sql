-- What stands, the newest first.
SELECT id, kind, subject, reason, times, first_at, last_at
FROM processing_failures
WHERE workspace_id = $1
ORDER BY last_at DESC, id DESC
LIMIT $2
