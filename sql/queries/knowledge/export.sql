-- One page of all documents, each as a line of JSON. Chunks and vectors are made anew wherever they come.
SELECT e.workspace_id AS id, e.id::text AS place, row_to_json(e)::text AS line
FROM (
  SELECT workspace_id, id, source, title, source_url, content, content_type, topic_collection, metadata, created_at,
         updated_at
  FROM knowledge_documents
  WHERE (workspace_id, id) > ($1, coalesce(nullif($2, ''), '00000000-0000-0000-0000-000000000000')::uuid)
  ORDER BY workspace_id, id
  LIMIT $3
) AS e
ORDER BY e.workspace_id, e.id
