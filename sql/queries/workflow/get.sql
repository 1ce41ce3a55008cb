-- The checkpoint of a conversation, as it is stored.
SELECT workflow_type, turn, step, awaiting, reply_id, from_seq, upto_seq, opened_at, checkpoint_version, checkpoint,
       updated_at
FROM workflow_states
WHERE workspace_id = $1 AND conversation_id = $2
