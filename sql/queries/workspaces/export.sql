-- One page of all workspaces, each as a line of JSON without its identity secret.
SELECT id, json_build_object(
    'id', id, 'slug', slug, 'name', name, 'preset', preset, 'verification_required', verification_required,
    'allowed_origins', allowed_origins, 'learns', learns, 'created_at', created_at
  )::text AS line
FROM workspaces
WHERE id > $1
ORDER BY id
LIMIT $2
