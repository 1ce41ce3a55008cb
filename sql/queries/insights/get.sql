-- Some contacts' insights, at most a page of them, in no order.
SELECT contact_id, eni_id, member_name, eni_source_types, eni_source_subtypes, total_eni_ids, record_count, insights,
       processing_status, generated_at, created_at, updated_at, version, metadata
FROM structured_insights
WHERE workspace_id = $1 AND contact_id = ANY ($2)
LIMIT 500
