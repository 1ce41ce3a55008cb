-- One page of the turns that are open: whoever starts finishes what was left.
SELECT conversation_id, workspace_id FROM workflow_states
WHERE reply_id IS NOT NULL AND conversation_id > $1
ORDER BY conversation_id
LIMIT 1000
