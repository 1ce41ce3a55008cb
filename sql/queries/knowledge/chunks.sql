-- One page of the chunks of some documents, with all that a search needs: vectors where it is to compare them itself.
SELECT c.document_id, c.ordinal, c.heading, c.content, CASE WHEN $6 THEN c.embedding END AS embedding,
       CASE WHEN $6 THEN c.sentences END AS sentences, CASE WHEN $6 THEN c.embedder END AS embedder,
       d.title, d.source, d.source_url, d.topic_collection, d.version
FROM knowledge_chunks c
JOIN knowledge_documents d ON d.workspace_id = c.workspace_id AND d.id = c.document_id
WHERE c.workspace_id = $1 AND c.document_id = ANY ($2) AND (c.document_id, c.ordinal) > ($3, $4)
ORDER BY c.document_id, c.ordinal
LIMIT $5
