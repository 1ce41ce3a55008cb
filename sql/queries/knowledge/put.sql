-- Documents with all of their chunks, new or in the place of what they were. A chunk whose text was there before keeps
-- its vector, wherever in the document it stands now.
WITH incoming AS (
  SELECT *
  FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::jsonb[], $11::bytea[])
    AS d (id, source, title, source_url, content, content_type, topic_collection, metadata, content_hash)
), kept AS (
  SELECT DISTINCT ON (document_id, content_hash) document_id, content_hash, embedding, sentences, embedder
  FROM knowledge_chunks
  WHERE workspace_id = $1 AND document_id = ANY ($3) AND embedding IS NOT NULL
  ORDER BY document_id, content_hash
), fresh AS (
  SELECT c.document_id, c.ordinal, c.heading, c.content, c.content_hash, k.embedding, k.sentences, k.embedder
  FROM unnest($12::uuid[], $13::int[], $14::text[], $15::text[], $16::bytea[])
    AS c (document_id, ordinal, heading, content, content_hash)
  LEFT JOIN kept k ON k.document_id = c.document_id AND k.content_hash = c.content_hash
), documents AS (
  INSERT INTO knowledge_documents AS d (workspace_id, id, source, title, source_url, content, content_type,
                                        topic_collection, metadata, content_hash, status, version, created_at, updated_at)
  SELECT $1, i.id, i.source, i.title, i.source_url, i.content, i.content_type, i.topic_collection, i.metadata,
         i.content_hash,
         CASE WHEN EXISTS (SELECT FROM fresh f WHERE f.document_id = i.id AND f.embedding IS NULL) THEN 'pending'
              ELSE 'ready' END,
         (SELECT version FROM knowledge_stamps WHERE workspace_id = $1), $2, $2
  FROM incoming i
  ON CONFLICT (workspace_id, id) DO UPDATE
  SET source = coalesce(excluded.source, d.source), title = excluded.title, source_url = excluded.source_url,
      content = excluded.content, content_type = excluded.content_type, topic_collection = excluded.topic_collection,
      metadata = excluded.metadata, content_hash = excluded.content_hash, status = excluded.status,
      version = excluded.version, updated_at = excluded.updated_at
  RETURNING id, status
), gone AS (
  DELETE FROM knowledge_chunks c
  USING (SELECT i.id, count(f.ordinal) AS chunks
         FROM incoming i LEFT JOIN fresh f ON f.document_id = i.id
         GROUP BY i.id) AS n
  WHERE c.workspace_id = $1 AND c.document_id = n.id AND c.ordinal > n.chunks
), chunks AS (
  INSERT INTO knowledge_chunks (workspace_id, document_id, ordinal, heading, content, content_hash, embedding, sentences,
                                embedder)
  SELECT $1, document_id, ordinal, heading, content, content_hash, embedding, sentences, embedder FROM fresh
  ON CONFLICT (workspace_id, document_id, ordinal) DO UPDATE
  SET heading = excluded.heading, content = excluded.content, content_hash = excluded.content_hash,
      embedding = excluded.embedding, sentences = excluded.sentences, embedder = excluded.embedder
)
SELECT id, status FROM documents
