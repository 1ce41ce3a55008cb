-- One page of the conversations that wait to be learned from, of every workspace.
SELECT workspace_id, conversation_id, ended, pass
FROM finished_conversations
WHERE conversation_id > $1
ORDER BY conversation_id
LIMIT $2
