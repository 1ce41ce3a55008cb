-- One page of what was imported from below a place, for the import that comes again.
SELECT id, source, content_hash
FROM knowledge_documents
WHERE workspace_id = $1 AND starts_with(source, $2) AND source > $3
ORDER BY source
LIMIT $4
