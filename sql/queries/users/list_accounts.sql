-- Every account with its roles, for `switchboard user list`; one that was revoked has no password.
SELECT u.email, u.name, w.slug, r.role, u.password_hash IS NOT NULL AS works
FROM users u
LEFT JOIN user_roles r ON r.user_id = u.id
LEFT JOIN workspaces w ON w.id = r.workspace_id
WHERE u.workspace_id IS NULL
ORDER BY u.email, w.slug, r.role
LIMIT 1000
