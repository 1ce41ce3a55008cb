-- Their chunks go with them.
DELETE FROM knowledge_documents WHERE workspace_id = $1 AND id = ANY ($2) RETURNING id
