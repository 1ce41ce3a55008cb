-- The items of the trace of a conversation, each in its place; one that says what it said keeps its vector.
INSERT INTO memory_items AS m (workspace_id, trace_id, ordinal, id, title, description, content, error_context,
                               pattern_tags, domain_category, use, document_id, created_at)
SELECT $1, t.id, i.ordinal, i.id, i.title, i.description, i.content, i.error_context,
       ARRAY(SELECT jsonb_array_elements_text(i.tags)), i.domain, i.use, i.document_id, t.updated_at
FROM unnest($3::int[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::jsonb[], $9::jsonb[], $10::text[],
            $11::text[], $12::uuid[])
  AS i (ordinal, id, title, description, content, error_context, tags, domain, use, document_id)
JOIN reasoning_traces t ON t.workspace_id = $1 AND t.id = $2
ON CONFLICT (workspace_id, trace_id, ordinal) DO UPDATE
SET title = excluded.title, description = excluded.description, content = excluded.content,
    error_context = excluded.error_context, pattern_tags = excluded.pattern_tags,
    domain_category = excluded.domain_category, use = excluded.use, document_id = excluded.document_id,
    embedding = CASE WHEN (m.title, m.description, m.content) = (excluded.title, excluded.description, excluded.content)
                     THEN m.embedding END,
    embedder = CASE WHEN (m.title, m.description, m.content) = (excluded.title, excluded.description, excluded.content)
                    THEN m.embedder END
