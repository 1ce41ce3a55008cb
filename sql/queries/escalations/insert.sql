-- A request for a person, written with the state that names it; a repeat after an unknown commit finds itself.
INSERT INTO escalations (id, workspace_id, version, conversation_id, trigger_type, reason, status, contact_info,
                         interaction_id, issue_type, original_request, conversation_context, summary, priority,
                         assignee_id, assignee_name, claimed_at, created_at, updated_at)
SELECT id, workspace_id, 1, conversation_id, trigger_type, reason, status, contact_info, interaction_id, issue_type,
       original_request, conversation_context, summary, priority, assignee_id, assignee_name, claimed_at, created_at,
       created_at
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $8::uuid[], $9::text[],
            $10::text[], $11::jsonb[], $12::text[], $13::int2[], $14::uuid[], $15::text[], $16::timestamptz[],
            $17::timestamptz[])
  AS e (id, workspace_id, conversation_id, trigger_type, reason, status, contact_info, interaction_id, issue_type,
        original_request, conversation_context, summary, priority, assignee_id, assignee_name, claimed_at, created_at)
ON CONFLICT (id) DO NOTHING
