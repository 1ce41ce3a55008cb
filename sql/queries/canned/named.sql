-- Which short text has a name.
SELECT id, name, content, updated_at FROM canned_responses WHERE workspace_id = $1 AND lower(name) = lower($2)
