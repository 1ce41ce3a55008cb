-- One page of all workspaces, each as a line of JSON without its identity secret.
SELECT e.id AS id, '' AS place, row_to_json(e)::text AS line
FROM (
  SELECT id, slug, name, preset, verification_required, allowed_origins, registration_open, learns, created_at
  FROM workspaces
  WHERE id > $1 AND $2 = ''
  ORDER BY id
  LIMIT $3
) AS e
ORDER BY e.id
