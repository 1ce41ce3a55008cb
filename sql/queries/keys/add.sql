-- A key, by its hash; nothing when the name is taken by one that still works.
INSERT INTO api_keys (id, workspace_id, name, role, key_hash) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
RETURNING id
