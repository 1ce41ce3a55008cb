-- The end of a log, the latest first, each message with what its visitor said of it.
SELECT m.seq, m.role, m.author_name, m.content, m.citations, f.helpful
FROM messages m
LEFT JOIN message_feedback f ON f.conversation_id = m.conversation_id AND f.message_id = m.id
WHERE m.workspace_id = $1 AND m.conversation_id = $2
ORDER BY m.seq DESC
LIMIT $3
