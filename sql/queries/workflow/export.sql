-- One page of where workflows stand, each as a line of JSON.
SELECT e.conversation_id AS id, '' AS place, row_to_json(e)::text AS line
FROM (
  SELECT conversation_id, workspace_id, workflow_type, turn, step, awaiting, reply_id, from_seq, upto_seq, opened_at,
         checkpoint_version, checkpoint, updated_at
  FROM workflow_states
  WHERE conversation_id > $1 AND $2 = ''
  ORDER BY conversation_id
  LIMIT $3
) AS e
ORDER BY e.conversation_id
