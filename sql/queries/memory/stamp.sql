-- The last change; nothing where a workspace never remembered anything.
SELECT version FROM memory_stamps WHERE workspace_id = $1
