-- All counts of a workspace: those of all contacts first, then the most frequent source types.
SELECT source_type, processing_status, contacts
FROM insight_counts
WHERE workspace_id = $1 AND contacts > 0
ORDER BY source_type <> '', contacts DESC
LIMIT 1000
