-- One page of the conversations that wait to be distilled, of every workspace.
SELECT workspace_id, conversation_id, due_at, upto_seq
FROM distillations
WHERE due_at IS NOT NULL AND conversation_id > $1
ORDER BY conversation_id
LIMIT $2
