-- What was learned from a visitor's conversations, some traces at a time with their items.
WITH theirs AS (
  SELECT id FROM reasoning_traces WHERE workspace_id = $1 AND visitor_id = $2 ORDER BY id LIMIT $3
), items AS (
  DELETE FROM memory_items i USING theirs s WHERE i.workspace_id = $1 AND i.trace_id = s.id
), gone AS (
  DELETE FROM reasoning_traces t USING theirs s WHERE t.workspace_id = $1 AND t.id = s.id RETURNING 1
)
SELECT count(*) AS gone FROM gone
