-- The items of one trace, in their order.
SELECT id, title, description, content, error_context, pattern_tags, domain_category, use, document_id
FROM memory_items
WHERE workspace_id = $1 AND trace_id = $2
ORDER BY ordinal
LIMIT 1000
