-- One page of all people, visitors and accounts, each as a line of JSON without passwords and resume secrets.
SELECT e.id AS id, '' AS place, row_to_json(e)::text AS line
FROM (
  SELECT id, workspace_id, external_id, verified, email, name, phone, metadata, created_at,
         (SELECT coalesce(json_agg(json_build_object('workspace_id', r.workspace_id, 'role', r.role)
                                   ORDER BY r.workspace_id, r.role), '[]')
          FROM user_roles r WHERE r.user_id = u.id) AS roles
  FROM users u
  WHERE id > $1 AND $2 = ''
  ORDER BY id
  LIMIT $3
) AS e
ORDER BY e.id
