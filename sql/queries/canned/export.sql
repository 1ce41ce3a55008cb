-- One page of all short texts, each as a line of JSON.
SELECT e.workspace_id AS id, e.id::text AS place, row_to_json(e)::text AS line
FROM (
  SELECT workspace_id, id, name, content, updated_at
  FROM canned_responses
  WHERE (workspace_id, id) > ($1, coalesce(nullif($2, ''), '00000000-0000-0000-0000-000000000000')::uuid)
  ORDER BY workspace_id, id
  LIMIT $3
) AS e
ORDER BY e.workspace_id, e.id
