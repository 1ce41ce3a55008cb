-- One page of all traces, each as a line of JSON with its items in order. Vectors are made anew wherever they come.
SELECT e.workspace_id AS id, e.id::text AS place, row_to_json(e)::text AS line
FROM (
  SELECT workspace_id, id, task, trajectory, outcome, metadata, conversation_id, visitor_id, created_at, updated_at,
         (SELECT coalesce(json_agg(json_build_object(
              'id', i.id, 'title', i.title, 'description', i.description, 'content', i.content,
              'error_context', i.error_context, 'pattern_tags', i.pattern_tags, 'domain_category', i.domain_category,
              'use', i.use, 'document_id', i.document_id) ORDER BY i.ordinal), '[]')
          FROM memory_items i WHERE i.workspace_id = t.workspace_id AND i.trace_id = t.id) AS memory_items
  FROM reasoning_traces t
  WHERE (workspace_id, id) > ($1, coalesce(nullif($2, ''), '00000000-0000-0000-0000-000000000000')::uuid)
  ORDER BY workspace_id, id
  LIMIT $3
) AS e
ORDER BY e.workspace_id, e.id
