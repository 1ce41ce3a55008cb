-- The workspaces that a preset serves: the first one, and those that name it.
SELECT id FROM workspaces WHERE slug = 'default' OR preset = $1 ORDER BY id LIMIT 1000
