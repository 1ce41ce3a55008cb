-- The same for how long escalations waited until somebody first took them, by the hour of the claim.
WITH taken AS (
  UPDATE escalations e SET claim_counted = true
  FROM (
    SELECT id FROM escalations
    WHERE claimed_at IS NOT NULL AND NOT claim_counted
    ORDER BY id
    LIMIT $1
    FOR UPDATE SKIP LOCKED
  ) next
  WHERE e.id = next.id
  RETURNING e.workspace_id, e.conversation_id, e.interaction_id, e.created_at, e.claimed_at
), moded AS (
  SELECT t.workspace_id, t.claimed_at, extract(epoch FROM t.claimed_at - t.created_at)::double precision AS waited,
         coalesce((SELECT mode FROM interactions WHERE id = t.interaction_id),
                  (SELECT mode FROM conversations WHERE id = t.conversation_id), '') AS mode
  FROM taken t
), sums AS (
  INSERT INTO interaction_rollups AS r (workspace_id, grain, at, mode, time_to_claim_s)
  SELECT t.workspace_id, g.grain, date_trunc(g.grain, t.claimed_at, 'UTC') AS at, m.mode, switchboard_histogram(t.waited)
  FROM moded t
  CROSS JOIN (VALUES ('hour'), ('day')) AS g (grain)
  CROSS JOIN LATERAL (VALUES (t.mode), ('*')) AS m (mode)
  GROUP BY t.workspace_id, g.grain, 3, m.mode
  ORDER BY t.workspace_id, g.grain, 3, m.mode
  ON CONFLICT (workspace_id, grain, mode, at) DO UPDATE SET
    time_to_claim_s = switchboard_add(r.time_to_claim_s, excluded.time_to_claim_s)
)
SELECT count(*) AS counted FROM taken
