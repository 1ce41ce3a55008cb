-- The last word of a visitor on a message of their own conversations; nothing when it is not theirs.
INSERT INTO message_feedback (conversation_id, message_id, workspace_id, helpful, comment)
SELECT m.conversation_id, m.id, m.workspace_id, $3, $4
FROM messages m
JOIN conversations c ON c.id = m.conversation_id
WHERE m.id = $1 AND c.user_id = $2
ON CONFLICT (conversation_id, message_id) DO UPDATE SET helpful = excluded.helpful, comment = excluded.comment
RETURNING 1
