-- Steps of an earlier day; those of a turn that is open are what finishes it after a crash.
SELECT t.conversation_id AS id, t.turn AS number, t.step AS name, to_jsonb(t)::text AS line
FROM turn_steps t
WHERE t.started_at < $1 AND NOT EXISTS (
  SELECT FROM workflow_states w WHERE w.conversation_id = t.conversation_id AND w.turn = t.turn AND w.reply_id IS NOT NULL
)
ORDER BY t.started_at
LIMIT $2
