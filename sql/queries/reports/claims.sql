-- How long the escalations that were taken in a period had waited, in seconds. They are few, and they change, so they are
-- not summed up beforehand.
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY waited) AS claim_p50,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY waited) AS claim_p95
FROM (
  SELECT extract(epoch FROM e.claimed_at - e.created_at)::double precision AS waited
  FROM escalations e
  WHERE e.workspace_id = $1 AND e.claimed_at >= $3 AND e.claimed_at < $4
    AND ($2::text IS NULL OR $2 = (SELECT mode FROM conversations c WHERE c.id = e.conversation_id))
) claims
