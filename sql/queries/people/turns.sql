-- One page of the turns of a conversation, each with its steps.
SELECT i.turn, json_build_object(
    'kind', 'interaction', 'conversation_id', i.conversation_id, 'id', i.id, 'turn', i.turn, 'mode', i.mode,
    'agent_name', i.agent_name, 'user_message', i.user_message, 'response', i.response, 'intent', i.intent,
    'category', i.category, 'confidence', i.confidence, 'outcome', i.outcome, 'trigger_type', i.trigger_type,
    'reason', i.reason, 'brain', i.brain, 'processing_time_ms', i.processing_time_ms, 'detail', i.detail,
    'created_at', i.created_at,
    'steps', (SELECT coalesce(json_agg(json_build_object(
                'step', s.step, 'status', s.status, 'started_at', s.started_at, 'ms', s.ms, 'output', s.output)
                ORDER BY s.started_at, s.step), '[]')
              FROM turn_steps s WHERE s.conversation_id = i.conversation_id AND s.turn = i.turn))::text AS line
FROM interactions i
WHERE i.workspace_id = $1 AND i.conversation_id = $2 AND i.turn > $3
ORDER BY i.turn
LIMIT $4
