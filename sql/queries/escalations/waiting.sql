-- What nobody has yet, in all workspaces where somebody is online: the most urgent first, then the longest waiting.
SELECT id, workspace_id, conversation_id
FROM escalations e
WHERE status IN ('pending', 'notified') AND erased_at IS NULL
  AND EXISTS (SELECT FROM staff_presence p WHERE p.workspace_id = e.workspace_id AND p.status = 'online')
ORDER BY priority DESC, id
LIMIT 200
