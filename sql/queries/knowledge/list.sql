-- One page in the order of ids, without the texts.
SELECT d.id, d.source, d.title, d.source_url, d.content_type, d.topic_collection, d.metadata, d.status,
       (SELECT count(*) FROM knowledge_chunks c WHERE c.workspace_id = d.workspace_id AND c.document_id = d.id) AS chunks,
       d.created_at, d.updated_at
FROM knowledge_documents d
WHERE d.workspace_id = $1 AND d.id > $2 AND ($3::text IS NULL OR d.topic_collection = $3)
  AND ($4::text IS NULL OR d.content_type = $4)
ORDER BY d.id
LIMIT $5
