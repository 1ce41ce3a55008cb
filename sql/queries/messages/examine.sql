-- One step of `doctor --data`: the next entries of all logs in order, folded by conversation. A step is bounded by
-- entries, however long a conversation is; whether it joins the step before without a gap, the caller can tell.
WITH step AS (
  SELECT conversation_id, seq
  FROM messages
  WHERE (conversation_id, seq) > ($1, $2)
  ORDER BY conversation_id, seq
  LIMIT $3
)
SELECT conversation_id, min(seq) AS first, max(seq) AS last, count(*) AS entries,
       EXISTS (SELECT FROM conversations c WHERE c.id = conversation_id) AS owned
FROM step
GROUP BY conversation_id
ORDER BY conversation_id
