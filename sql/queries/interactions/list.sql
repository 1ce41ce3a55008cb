-- What the agent decided, the latest first, from before one of them on.
SELECT id, conversation_id, turn, mode, agent_name, user_message, response, intent, category, confidence, outcome,
       escalated, trigger_type, reason, brain, processing_time_ms, created_at
FROM interactions
WHERE workspace_id = $1
  AND ($2::text IS NULL OR mode = $2) AND ($3::text IS NULL OR intent = $3) AND ($4::text IS NULL OR outcome = $4)
  AND ($5::timestamptz IS NULL OR created_at >= $5) AND ($6::timestamptz IS NULL OR created_at < $6)
  AND ($7::timestamptz IS NULL OR (created_at, id) < ($7, $8::uuid))
ORDER BY created_at DESC, id DESC
LIMIT $9
