-- A pass begins, unless it has.
UPDATE sync_jobs SET pass_at = now() WHERE workspace_id = $1 AND id = $2 AND pass_at IS NULL
