-- Chunks that wait for a vector, of all workspaces of the transaction.
SELECT c.workspace_id, c.document_id, c.ordinal, d.title, c.heading, c.content, c.content_hash
FROM knowledge_chunks c
JOIN knowledge_documents d ON d.workspace_id = c.workspace_id AND d.id = c.document_id
WHERE c.embedding IS NULL
ORDER BY c.workspace_id, c.document_id, c.ordinal
LIMIT $1
