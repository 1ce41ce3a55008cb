-- What the agent decided in the conversations that go first.
SELECT id, 0::bigint AS number, '' AS name, to_jsonb(i)::text AS line
FROM interactions i
WHERE conversation_id IN (SELECT switchboard_due_conversations($1, 50))
ORDER BY conversation_id, turn
LIMIT $2
