-- Vectors, end to end in one array, for the items that still wait; an item never changes what it says.
WITH made AS (
  SELECT trace_id, ordinal, ($5::real[])[(place - 1) * $6 + 1 : place * $6] AS vector
  FROM unnest($2::uuid[], $3::int[]) WITH ORDINALITY AS v (trace_id, ordinal, place)
), items AS (
  UPDATE memory_items i
  SET embedding = m.vector, embedder = $4
  FROM made m
  WHERE i.workspace_id = $1 AND i.trace_id = m.trace_id AND i.ordinal = m.ordinal AND i.embedding IS NULL
)
UPDATE reasoning_traces t
SET task_embedding = coalesce(t.task_embedding, tasks.vector), embedder = coalesce(t.embedder, own.embedder),
    version = (SELECT version FROM memory_stamps WHERE workspace_id = $1)
FROM (SELECT DISTINCT trace_id FROM made) AS touched
LEFT JOIN made tasks ON tasks.trace_id = touched.trace_id AND tasks.ordinal = 0
CROSS JOIN LATERAL (SELECT CASE WHEN tasks.trace_id IS NOT NULL THEN $4 END AS embedder) AS own
WHERE t.workspace_id = $1 AND t.id = touched.trace_id
