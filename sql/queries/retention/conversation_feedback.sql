-- What was said of messages of the conversations that go first.
SELECT conversation_id AS id, 0::bigint AS number, message_id::text AS name, to_jsonb(f)::text AS line
FROM message_feedback f
WHERE conversation_id IN (SELECT switchboard_due_conversations($1, 50))
ORDER BY conversation_id, message_id
LIMIT $2
