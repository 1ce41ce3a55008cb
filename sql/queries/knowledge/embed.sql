-- Vectors, end to end in one array, and those of their sentences, for the chunks that are still what they were when these
-- were made.
UPDATE knowledge_chunks c
SET embedding = ($6::real[])[(v.place - 1) * $7 + 1 : v.place * $7], sentences = v.sentences, embedder = $5
FROM unnest($2::uuid[], $3::int[], $4::bytea[], $8::bytea[]) WITH ORDINALITY
  AS v (document_id, ordinal, content_hash, sentences, place)
WHERE c.workspace_id = $1 AND c.document_id = v.document_id AND c.ordinal = v.ordinal
  AND c.content_hash = v.content_hash AND c.embedding IS NULL
