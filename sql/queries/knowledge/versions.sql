-- One page of all documents: a search reads again only those that have changed.
SELECT id, version FROM knowledge_documents WHERE workspace_id = $1 AND id > $2 ORDER BY id LIMIT $3
