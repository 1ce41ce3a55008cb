-- Where a contact stands while a conversation of theirs is distilled. One that nothing is known of yet is made, empty and of
-- version 0; and none where the conversation is gone by now.
INSERT INTO structured_insights (workspace_id, contact_id, eni_source_types, eni_source_subtypes, total_eni_ids,
                                 record_count, insights, processing_status, generated_at, created_at, updated_at, version)
SELECT c.workspace_id, $3, '{}', '{}', 0, 0, '{}', $4, now(), now(), now(), 0
FROM (SELECT workspace_id FROM conversations WHERE workspace_id = $1 AND id = $2 FOR KEY SHARE) AS c
ON CONFLICT (workspace_id, contact_id) DO UPDATE SET processing_status = excluded.processing_status
