-- The workspaces in which contacts wait to be indexed.
SELECT id AS workspace_id
FROM workspaces w
WHERE EXISTS (SELECT FROM insight_unindexed u WHERE u.workspace_id = w.id)
LIMIT 100
