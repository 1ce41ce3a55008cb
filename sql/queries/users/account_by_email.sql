-- An account by its address, however it is spelled, with its roles: a row for each workspace, one without where it has none.
SELECT u.id, u.email, u.name, u.password_hash, w.id AS workspace_id, w.slug,
       coalesce(array_agg(r.role) FILTER (WHERE r.role IS NOT NULL), '{}') AS roles
FROM users u
LEFT JOIN user_roles r ON r.user_id = u.id
LEFT JOIN workspaces w ON w.id = r.workspace_id
WHERE u.workspace_id IS NULL AND lower(u.email) = lower($1)
GROUP BY u.id, w.id
ORDER BY w.slug
LIMIT 1000
