-- The keys of that name that still work: one a workspace, and one of all workspaces.
SELECT k.id, w.slug
FROM api_keys k LEFT JOIN workspaces w ON w.id = k.workspace_id
WHERE k.name = $1 AND k.revoked_at IS NULL
ORDER BY w.slug
LIMIT 1000
