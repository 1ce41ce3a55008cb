-- What was decided in a turn, written with its reply; a repeat after an unknown commit finds itself.
INSERT INTO interactions (workspace_id, id, conversation_id, turn, mode, agent_name, user_message, response, intent,
                          category, confidence, outcome, escalated, trigger_type, reason, brain, processing_time_ms,
                          detail, created_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
                     $9::text[], $10::text[], $11::real[], $12::text[], $13::boolean[], $14::text[], $15::text[],
                     $16::text[], $17::bigint[], $18::jsonb[], $19::timestamptz[])
ON CONFLICT (id) DO NOTHING
