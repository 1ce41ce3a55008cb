-- One page of the log of a conversation, each message with what the visitor said of it.
SELECT m.seq, json_build_object(
    'kind', 'message', 'conversation_id', m.conversation_id, 'seq', m.seq, 'id', m.id, 'client_id', m.client_id,
    'role', m.role, 'agent_name', m.agent_name, 'author_name', m.author_name, 'content', m.content,
    'citations', m.citations, 'attachments', m.attachments, 'metadata', m.metadata, 'created_at', m.created_at,
    'helpful', f.helpful, 'comment', f.comment)::text AS line
FROM messages m
LEFT JOIN message_feedback f ON f.conversation_id = m.conversation_id AND f.message_id = m.id
WHERE m.workspace_id = $1 AND m.conversation_id = $2 AND m.seq > $3
ORDER BY m.seq
LIMIT $4
