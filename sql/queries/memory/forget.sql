-- Takes the vectors of other embedders from some traces and their items; of how many.
WITH items AS (
  UPDATE memory_items SET embedding = NULL, embedder = NULL
  WHERE workspace_id = $1 AND trace_id = ANY ($2) AND embedder <> $3
  RETURNING trace_id
), traces AS (
  UPDATE reasoning_traces
  SET task_embedding = CASE WHEN embedder = $3 THEN task_embedding END, embedder = CASE WHEN embedder = $3 THEN embedder END,
      version = (SELECT version FROM memory_stamps WHERE workspace_id = $1)
  WHERE workspace_id = $1 AND id = ANY ($2)
    AND (embedder <> $3 OR id IN (SELECT trace_id FROM items))
)
SELECT count(*) AS items FROM items
