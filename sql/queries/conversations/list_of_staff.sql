-- The workspace's conversations, the latest first. A look-up by name walks through so many of them and no more: the last
-- one that it looked at comes too, so that the next page can begin behind it.
WITH page AS (
  SELECT * FROM conversations
  WHERE workspace_id = $1 AND ($2::uuid IS NULL OR id < $2) AND ($3::text IS NULL OR status = $3)
    AND ($4::uuid IS NULL OR assignee_id = $4) AND ($7::uuid IS NULL OR user_id = $7)
  ORDER BY id DESC
  LIMIT $6
)
SELECT c.id, c.workspace_id, c.user_id, c.session_id, c.status, c.owner, c.mode, c.assignee_id, c.assignee_name,
       c.escalation_id, c.escalation_status, c.rating, c.rating_comment, c.version, c.owner_epoch, c.metadata,
       c.created_at, c.updated_at,
       w.workflow_type, w.turn, w.step, w.awaiting, w.reply_id, w.from_seq, w.upto_seq, w.opened_at,
       w.checkpoint_version, w.checkpoint,
       m.matches, (SELECT count(*) FROM page) AS walked
FROM page c
JOIN users u ON u.id = c.user_id
LEFT JOIN workflow_states w ON w.conversation_id = c.id
CROSS JOIN LATERAL (
  SELECT $5::text IS NULL
      OR strpos(lower(concat_ws(chr(10), u.name, u.email, u.phone, u.external_id, c.session_id)), lower($5)) > 0
      AS matches
) m
WHERE m.matches OR c.id = (SELECT id FROM page ORDER BY id LIMIT 1)
ORDER BY c.id DESC
