-- One page of what was learned from a visitor's conversations, each trace as a line of JSON with its items.
SELECT t.id, json_build_object(
    'kind', 'reasoning_trace', 'id', t.id, 'conversation_id', t.conversation_id, 'task', t.task,
    'trajectory', t.trajectory, 'outcome', t.outcome, 'metadata', t.metadata, 'created_at', t.created_at,
    'memory_items', (SELECT coalesce(json_agg(json_build_object(
                       'id', i.id, 'title', i.title, 'description', i.description, 'content', i.content,
                       'error_context', i.error_context, 'pattern_tags', i.pattern_tags,
                       'domain_category', i.domain_category) ORDER BY i.ordinal), '[]')
                     FROM memory_items i WHERE i.workspace_id = t.workspace_id AND i.trace_id = t.id))::text AS line
FROM reasoning_traces t
WHERE t.workspace_id = $1 AND t.visitor_id = $2 AND t.id > $3
ORDER BY t.id
LIMIT $4
