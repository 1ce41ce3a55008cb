-- One page of who changed what, each as a line of JSON.
SELECT e.id AS id, '' AS place, row_to_json(e)::text AS line
FROM (
  SELECT id, workspace_id, actor, action, subject, detail, created_at
  FROM audit_log
  WHERE id > $1 AND $2 = ''
  ORDER BY id
  LIMIT $3
) AS e
ORDER BY e.id
