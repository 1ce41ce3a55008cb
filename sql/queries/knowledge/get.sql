-- One document with its text; the chunks are counted, as they are in a list.
SELECT d.id, d.source, d.title, d.source_url, d.content, d.content_type, d.topic_collection, d.metadata, d.status,
       (SELECT count(*) FROM knowledge_chunks c WHERE c.workspace_id = d.workspace_id AND c.document_id = d.id) AS chunks,
       d.created_at, d.updated_at
FROM knowledge_documents d
WHERE d.workspace_id = $1 AND d.id = $2
