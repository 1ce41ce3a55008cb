-- Some chunks by their places, with all that a search needs.
SELECT c.document_id, c.ordinal, c.heading, c.content, c.embedding, c.sentences, c.embedder,
       d.title, d.source, d.source_url, d.topic_collection, d.version
FROM unnest($2::uuid[], $3::int[]) AS w (document_id, ordinal)
JOIN knowledge_chunks c ON c.workspace_id = $1 AND c.document_id = w.document_id AND c.ordinal = w.ordinal
JOIN knowledge_documents d ON d.workspace_id = c.workspace_id AND d.id = c.document_id
LIMIT 1000
