-- The trace of a conversation, new or in the place of what it was; nothing where the conversation is gone by now, whose
-- row is held until this is committed, so that whoever erases it finds the trace. The vector of a task that stays stays.
INSERT INTO reasoning_traces AS t (workspace_id, id, task, trajectory, outcome, metadata, conversation_id, visitor_id,
                                   version, created_at, updated_at)
SELECT c.workspace_id, $3, $4, $5, $6, $7, c.id, c.user_id,
       (SELECT version FROM memory_stamps WHERE workspace_id = $1), $8, $8
FROM (SELECT id, workspace_id, user_id FROM conversations WHERE workspace_id = $1 AND id = $2 FOR KEY SHARE) AS c
ON CONFLICT (workspace_id, id) DO UPDATE
SET task = excluded.task, trajectory = excluded.trajectory, outcome = excluded.outcome, metadata = excluded.metadata,
    task_embedding = CASE WHEN t.task = excluded.task THEN t.task_embedding END,
    embedder = CASE WHEN t.task = excluded.task THEN t.embedder END,
    version = excluded.version, updated_at = excluded.updated_at
