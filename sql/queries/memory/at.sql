-- Some items by their places, with all that a search needs.
SELECT i.trace_id, i.ordinal, i.id, i.title, i.description, i.content, i.error_context, i.pattern_tags,
       i.domain_category, i.use, i.document_id, i.embedding, i.embedder, t.outcome, i.created_at, t.version
FROM unnest($2::uuid[], $3::int[]) AS w (trace_id, ordinal)
JOIN memory_items i ON i.workspace_id = $1 AND i.trace_id = w.trace_id AND i.ordinal = w.ordinal
JOIN reasoning_traces t ON t.workspace_id = i.workspace_id AND t.id = i.trace_id
LIMIT 1000
