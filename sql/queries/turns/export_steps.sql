-- One page of all steps of turns, each as a line of JSON. A place is a turn and a step.
SELECT e.conversation_id AS id, e.turn || ' ' || e.step AS place, row_to_json(e)::text AS line
FROM (
  SELECT conversation_id, turn, step, workspace_id, status, started_at, ms, output
  FROM turn_steps
  WHERE (conversation_id, turn, step)
        > ($1, coalesce(nullif(split_part($2, ' ', 1), ''), '0')::bigint, split_part($2, ' ', 2))
  ORDER BY conversation_id, turn, step
  LIMIT $3
) AS e
ORDER BY e.conversation_id, e.turn, e.step
