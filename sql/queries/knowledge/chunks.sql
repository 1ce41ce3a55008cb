-- One page of the chunks of some documents, with all that a search needs.
SELECT c.document_id, c.ordinal, c.heading, c.content, c.embedding, c.embedder,
       d.title, d.source, d.source_url, d.topic_collection, d.version
FROM knowledge_chunks c
JOIN knowledge_documents d ON d.workspace_id = c.workspace_id AND d.id = c.document_id
WHERE c.workspace_id = $1 AND c.document_id = ANY ($2) AND (c.document_id, c.ordinal) > ($3, $4)
ORDER BY c.document_id, c.ordinal
LIMIT $5
