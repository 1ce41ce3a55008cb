-- What nobody has yet, in all workspaces: the most urgent first, then the longest waiting.
SELECT id, workspace_id, conversation_id
FROM escalations
WHERE status IN ('pending', 'notified') AND erased_at IS NULL
ORDER BY priority DESC, id
LIMIT 200
