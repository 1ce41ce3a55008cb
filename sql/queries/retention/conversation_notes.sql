-- What staff wrote to each other in the conversations that go first. From the end backwards, as their messages go.
SELECT conversation_id AS id, seq AS number, '' AS name, to_jsonb(n)::text AS line
FROM notes n
WHERE conversation_id IN (SELECT switchboard_due_conversations($1, 50))
ORDER BY conversation_id, seq DESC
LIMIT $2
