-- The short texts of a workspace, by name.
SELECT id, name, content, updated_at FROM canned_responses WHERE workspace_id = $1 ORDER BY lower(name), id LIMIT 1000
