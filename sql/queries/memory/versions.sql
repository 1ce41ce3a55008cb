-- One page of all traces that have items: a search reads again only those that have changed.
SELECT t.id, t.version FROM reasoning_traces t
WHERE t.workspace_id = $1 AND t.id > $2
  AND EXISTS (SELECT FROM memory_items i WHERE i.workspace_id = t.workspace_id AND i.trace_id = t.id)
ORDER BY t.id
LIMIT $3
