-- A conversation and its visitor, as far as something is learned from them, and whether it has a trace.
SELECT c.user_id, c.status, coalesce(c.mode, i.mode) AS mode, c.rating, c.updated_at, u.name, u.email, u.phone, u.external_id, u.verified,
       w.workflow_type,       w.checkpoint -> 'contact' AS told,
       EXISTS (SELECT FROM reasoning_traces t WHERE t.workspace_id = c.workspace_id AND t.conversation_id = c.id) AS known
FROM conversations c
JOIN users u ON u.id = c.user_id
LEFT JOIN workflow_states w ON w.conversation_id = c.id
LEFT JOIN LATERAL (
  SELECT mode FROM interactions WHERE conversation_id = c.id ORDER BY turn DESC LIMIT 1
) i ON true
WHERE c.workspace_id = $1 AND c.id = $2
