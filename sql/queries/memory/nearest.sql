-- The items whose meaning is nearest, by pgvector's index; what they are is filtered while it is walked, so that the
-- limit is reached whenever so many are there. The name of the embedder is that of the index.
SELECT i.trace_id, i.ordinal
FROM memory_items i
WHERE i.workspace_id = $1 AND i.embedder = 'minilm'
  AND ($3 OR i.error_context IS NULL)
  AND ($4::text IS NULL OR i.domain_category = $4)
  AND ($5::text[] IS NULL OR i.pattern_tags && $5)
  AND ($6 OR i.use IN ('page', 'hint'))
ORDER BY i.embedding::vector(384) <=> ($2::real[])::vector(384)
LIMIT $7
