-- The recorded steps of the latest turns.
SELECT turn, step, status, started_at, ms, output FROM turn_steps
WHERE workspace_id = $1 AND conversation_id = $2
  AND turn > (SELECT coalesce(max(turn), 0) FROM turn_steps WHERE conversation_id = $2) - $3
ORDER BY turn
