-- One page of the items of some traces, with all that a search needs: vectors where it is to compare them itself.
SELECT i.trace_id, i.ordinal, i.id, i.title, i.description, i.content, i.error_context, i.pattern_tags,
       i.domain_category, i.use, i.document_id, CASE WHEN $6 THEN i.embedding END AS embedding,
       CASE WHEN $6 THEN i.embedder END AS embedder, t.outcome, i.created_at, t.version
FROM memory_items i
JOIN reasoning_traces t ON t.workspace_id = i.workspace_id AND t.id = i.trace_id
WHERE i.workspace_id = $1 AND i.trace_id = ANY ($2) AND (i.trace_id, i.ordinal) > ($3, $4)
ORDER BY i.trace_id, i.ordinal
LIMIT $5
