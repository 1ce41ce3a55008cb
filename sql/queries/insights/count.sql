-- How many contacts are in a state, or in any; of all source types, or of one.
SELECT coalesce(sum(contacts), 0)::bigint AS contacts
FROM insight_counts
WHERE workspace_id = $1 AND source_type = coalesce($2, '') AND ($3::text IS NULL OR processing_status = $3)
