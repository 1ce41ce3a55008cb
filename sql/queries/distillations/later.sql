-- A conversation that came to its end waits to be distilled, and once more where it went on; nothing where it is gone by now.
INSERT INTO distillations (workspace_id, conversation_id, due_at)
SELECT c.workspace_id, c.id, clock_timestamp()
FROM (SELECT id, workspace_id FROM conversations WHERE workspace_id = $1 AND id = $2 FOR KEY SHARE) AS c
ON CONFLICT (conversation_id) DO UPDATE SET due_at = excluded.due_at
