-- How many contacts have changed since.
SELECT count(*) AS contacts FROM structured_insights WHERE workspace_id = $1 AND updated_at >= $2
