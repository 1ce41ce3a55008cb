-- What was processed after all.
DELETE FROM processing_failures WHERE workspace_id = $1 AND kind = $2 AND subject = ANY ($3)
