-- A visitor's conversations, the newest first.
SELECT c.id, c.workspace_id, c.user_id, c.session_id, c.status, c.owner, c.mode, c.assignee_id, c.assignee_name,
       c.escalation_id, c.escalation_status, c.rating, c.rating_comment, c.version, c.owner_epoch, c.metadata,
       c.created_at, c.updated_at,
       w.workflow_type, w.turn, w.step, w.awaiting, w.reply_id, w.from_seq, w.upto_seq, w.opened_at,
       w.checkpoint_version, w.checkpoint
FROM conversations c
LEFT JOIN workflow_states w ON w.conversation_id = c.id
WHERE c.user_id = $1 AND ($2::uuid IS NULL OR c.id < $2)
ORDER BY c.id DESC
LIMIT $3
