-- A conversation's latest turns, with what each of their steps decided.
SELECT i.id, i.conversation_id, i.turn, i.mode, i.agent_name, i.user_message, i.response, i.intent, i.category, i.confidence, i.outcome,
       i.escalated, i.trigger_type, i.reason, i.brain, i.processing_time_ms, i.created_at,
       (SELECT jsonb_object_agg(s.step, jsonb_build_object('status', s.status, 'started_at', s.started_at, 'ms', s.ms,
                                                           'output', s.output))
        FROM turn_steps s WHERE s.conversation_id = i.conversation_id AND s.turn = i.turn) AS steps
FROM interactions i
WHERE i.workspace_id = $1 AND i.conversation_id = $2
ORDER BY i.turn DESC
LIMIT $3
