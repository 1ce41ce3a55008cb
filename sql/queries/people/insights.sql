-- What is known of some contacts, as lines of JSON.
SELECT json_build_object(
    'kind', 'insight', 'contact_id', contact_id, 'member_name', member_name, 'eni_source_types', eni_source_types,
    'eni_source_subtypes', eni_source_subtypes, 'total_eni_ids', total_eni_ids, 'record_count', record_count,
    'insights', insights, 'processing_status', processing_status, 'generated_at', generated_at, 'updated_at', updated_at,
    'metadata', metadata)::text AS line
FROM structured_insights
WHERE workspace_id = $1 AND contact_id = ANY ($2)
ORDER BY contact_id
