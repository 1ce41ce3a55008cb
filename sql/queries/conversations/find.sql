-- Conversations for many callers at once, each asked for by its id, by the visitor's own name for it, or as the
-- visitor's latest that is not closed. The head of the log is the last entry of its index.
SELECT i.ord, c.id, c.workspace_id, c.user_id, c.session_id, c.status, c.owner, c.mode, c.assignee_id, c.assignee_name,
       c.escalation_id, c.escalation_status, c.rating, c.rating_comment, c.version, c.owner_epoch, c.metadata,
       c.user_read_seq, c.staff_read_seq, c.created_at, c.updated_at,
       u.external_id, u.verified, u.email, u.name, u.phone,
       w.workflow_type, w.turn, w.step, w.awaiting, w.reply_id, w.from_seq, w.upto_seq, w.opened_at,
       w.checkpoint_version, w.checkpoint,
       (SELECT coalesce(max(m.seq), 0) FROM messages m WHERE m.conversation_id = c.id) AS head
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) WITH ORDINALITY AS i (conversation_id, user_id, session_id, ord)
CROSS JOIN LATERAL (
  (SELECT * FROM conversations WHERE id = i.conversation_id)
  UNION ALL
  (SELECT * FROM conversations
   WHERE i.conversation_id IS NULL AND user_id = i.user_id AND session_id = i.session_id)
  UNION ALL
  (SELECT * FROM conversations
   WHERE i.conversation_id IS NULL AND i.session_id IS NULL AND user_id = i.user_id AND status <> 'closed'
   ORDER BY id DESC LIMIT 1)
) c
JOIN users u ON u.id = c.user_id
LEFT JOIN workflow_states w ON w.conversation_id = c.id
