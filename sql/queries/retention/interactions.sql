-- Interactions of an earlier day; where a person is still to look at a conversation, they are shown why.
SELECT i.id, 0::bigint AS number, '' AS name, to_jsonb(i)::text AS line
FROM interactions i
WHERE i.created_at < $1 AND NOT EXISTS (
  SELECT FROM escalations e WHERE e.conversation_id = i.conversation_id AND e.status <> 'resolved'
)
ORDER BY i.created_at
LIMIT $2
