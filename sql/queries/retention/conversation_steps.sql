-- What was recorded of turns of the conversations that go first.
SELECT conversation_id AS id, turn AS number, step AS name, to_jsonb(t)::text AS line
FROM turn_steps t
WHERE conversation_id IN (SELECT switchboard_due_conversations($1, 50))
ORDER BY conversation_id, turn, step
LIMIT $2
