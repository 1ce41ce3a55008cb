-- One page of all people, visitors and accounts, each as a line of JSON without passwords and resume secrets.
SELECT id, json_build_object(
    'id', id, 'workspace_id', workspace_id, 'external_id', external_id, 'verified', verified, 'email', email,
    'name', name, 'phone', phone, 'metadata', metadata, 'created_at', created_at,
    'roles', (SELECT coalesce(json_agg(json_build_object('workspace_id', r.workspace_id, 'role', r.role)), '[]')
              FROM user_roles r WHERE r.user_id = u.id)
  )::text AS line
FROM users u
WHERE id > $1
ORDER BY id
LIMIT $2
