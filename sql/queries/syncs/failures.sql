-- Contacts that a job's sink has refused, the latest first.
SELECT contact_id, reason FROM sync_failures
WHERE workspace_id = $1 AND job_id = $2
ORDER BY failed_at DESC, contact_id
LIMIT $3
