-- Takes some recorded steps of a conversation away.
WITH gone AS (
  DELETE FROM turn_steps
  WHERE workspace_id = $1 AND conversation_id = $2 AND (turn, step) IN (
    SELECT turn, step FROM turn_steps WHERE conversation_id = $2 ORDER BY turn, step LIMIT $3)
  RETURNING 1
)
SELECT count(*) AS gone FROM gone
