-- How far a job has come.
SELECT sink, dry_run, state, error, processed, created, updated, failed FROM sync_jobs WHERE workspace_id = $1 AND id = $2
