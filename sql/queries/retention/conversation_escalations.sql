-- What people were asked for in the conversations that go first: all of it is resolved.
SELECT id, 0::bigint AS number, '' AS name, to_jsonb(e)::text AS line
FROM escalations e
WHERE conversation_id IN (SELECT switchboard_due_conversations($1, 50))
ORDER BY conversation_id, id
LIMIT $2
