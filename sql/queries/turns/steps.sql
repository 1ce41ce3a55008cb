-- What is recorded of one turn.
SELECT step, status, started_at, ms, output FROM turn_steps
WHERE conversation_id = $1 AND turn = $2
ORDER BY started_at, step
