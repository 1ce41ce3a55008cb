-- The items of those traces that this change has made: of none that was there before. Vectors come end to end in one
-- array, for the items that bring one.
INSERT INTO memory_items (workspace_id, trace_id, ordinal, id, title, description, content, error_context, pattern_tags,
                          domain_category, use, document_id, embedding, embedder, created_at)
SELECT $1, i.trace_id, i.ordinal, i.id, i.title, i.description, i.content, i.error_context,
       ARRAY(SELECT jsonb_array_elements_text(i.tags)), i.domain, i.use, i.document_id,
       ($15::real[])[(i.place - 1) * $16 + 1 : i.place * $16], i.embedder, t.created_at
FROM unnest($2::uuid[], $3::int[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::jsonb[], $9::jsonb[], $10::text[],
            $11::text[], $12::uuid[], $13::int[], $14::text[])
  AS i (trace_id, ordinal, id, title, description, content, error_context, tags, domain, use, document_id, place, embedder)
JOIN reasoning_traces t ON t.workspace_id = $1 AND t.id = i.trace_id
WHERE t.version = (SELECT version FROM memory_stamps WHERE workspace_id = $1)
