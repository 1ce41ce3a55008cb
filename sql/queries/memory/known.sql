-- After an addition: which of these traces it has made, and the ids of their items in order.
SELECT t.id, t.version = s.version AS added,
       ARRAY(SELECT i.id FROM memory_items i WHERE i.workspace_id = t.workspace_id AND i.trace_id = t.id
             ORDER BY i.ordinal) AS items
FROM reasoning_traces t
JOIN memory_stamps s ON s.workspace_id = t.workspace_id
WHERE t.workspace_id = $1 AND t.id = ANY ($2)
