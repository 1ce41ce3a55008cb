-- The chunks whose meaning is nearest, by pgvector's index; what they are is filtered while it is walked, so that the
-- limit is reached whenever so many are there. The name of the embedder is that of the index.
SELECT c.document_id, c.ordinal
FROM knowledge_chunks c
JOIN knowledge_documents d ON d.workspace_id = c.workspace_id AND d.id = c.document_id
WHERE c.workspace_id = $1 AND c.embedder = 'minilm'
  AND ($3::text[] IS NULL OR d.topic_collection = ANY ($3) OR ($4 AND d.topic_collection IS NULL))
ORDER BY c.embedding::vector(384) <=> ($2::real[])::vector(384)
LIMIT $5
