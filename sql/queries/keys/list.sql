-- Every key that still works, for `switchboard key list`.
SELECT k.name, k.role, w.slug, k.created_at
FROM api_keys k LEFT JOIN workspaces w ON w.id = k.workspace_id
WHERE k.revoked_at IS NULL
ORDER BY k.name
LIMIT 1000
