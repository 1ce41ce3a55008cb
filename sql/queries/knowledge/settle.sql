-- After vectors of some documents came or went: whether any is still to come.
UPDATE knowledge_documents d
SET version = (SELECT version FROM knowledge_stamps WHERE workspace_id = $1),
    status = CASE WHEN EXISTS (SELECT FROM knowledge_chunks c
                               WHERE c.workspace_id = $1 AND c.document_id = d.id AND c.embedding IS NULL)
                  THEN 'pending' ELSE 'ready' END
WHERE d.workspace_id = $1 AND d.id = ANY ($2)
