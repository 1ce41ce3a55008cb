-- The last change; nothing where a workspace never had any knowledge.
SELECT version FROM knowledge_stamps WHERE workspace_id = $1
