-- Vectors, end to end in one array, for the items and tasks that still wait and still say what they said.
WITH made AS (
  SELECT trace_id, ordinal, digest, ($6::real[])[(place - 1) * $7 + 1 : place * $7] AS vector
  FROM unnest($2::uuid[], $3::int[], $4::text[]) WITH ORDINALITY AS v (trace_id, ordinal, digest, place)
), items AS (
  UPDATE memory_items i
  SET embedding = m.vector, embedder = $5
  FROM made m
  WHERE i.workspace_id = $1 AND i.trace_id = m.trace_id AND i.ordinal = m.ordinal AND i.embedding IS NULL
    AND md5(concat_ws(chr(10), i.title, i.description, i.content)) = m.digest
), tasks AS (
  -- The trace of an item is touched too: a search reads again what has changed by it.
  SELECT a.trace_id, m.digest, m.vector
  FROM (SELECT DISTINCT trace_id FROM made) AS a
  LEFT JOIN made m ON m.trace_id = a.trace_id AND m.ordinal = 0
)
UPDATE reasoning_traces t
SET task_embedding = CASE WHEN md5(t.task) = k.digest THEN k.vector ELSE t.task_embedding END,
    embedder = CASE WHEN md5(t.task) = k.digest THEN $5 ELSE t.embedder END,
    version = (SELECT version FROM memory_stamps WHERE workspace_id = $1)
FROM tasks k
WHERE t.workspace_id = $1 AND t.id = k.trace_id
