-- Counts the next interactions into the rollups and marks them, in one transaction: each once, whenever it was
-- committed, and whoever counts at the same time waits. Every one belongs to its hour, its day and its
-- month, to its mode and to all modes.
WITH taken AS (
  UPDATE interactions i SET counted = true
  FROM (SELECT id FROM interactions WHERE NOT counted ORDER BY id LIMIT $1 FOR UPDATE) next
  WHERE i.id = next.id
  RETURNING i.workspace_id, i.mode, i.turn, i.intent, i.category, i.outcome, i.escalated, i.trigger_type, i.confidence,
            i.processing_time_ms, i.created_at
), counted AS (
  SELECT t.workspace_id, g.grain, date_trunc(g.grain, t.created_at, 'UTC') AS at, m.mode, t.turn, t.intent, t.category,
         t.outcome, t.escalated, t.trigger_type, t.confidence, t.processing_time_ms
  FROM taken t
  CROSS JOIN (VALUES ('hour'), ('day'), ('month')) AS g (grain)
  CROSS JOIN LATERAL (VALUES (coalesce(t.mode, '')), ('*')) AS m (mode)
), sums AS (
  INSERT INTO interaction_rollups AS r (workspace_id, grain, at, mode, interactions, resolved, escalated, errors,
                                        confidences, confidence_sum, processing_ms, first_response_ms)
  SELECT workspace_id, grain, at, mode, count(*), count(*) FILTER (WHERE outcome = 'resolved'),
         count(*) FILTER (WHERE escalated), count(*) FILTER (WHERE trigger_type = 'agent_error'), count(confidence),
         coalesce(sum(confidence::double precision), 0), switchboard_histogram(processing_time_ms),
         coalesce(switchboard_histogram(processing_time_ms) FILTER (WHERE turn = 1 AND outcome NOT IN ('cancelled', 'taken_over')), '{0}')
  FROM counted
  GROUP BY workspace_id, grain, at, mode
  ORDER BY workspace_id, grain, at, mode
  ON CONFLICT (workspace_id, grain, mode, at) DO UPDATE SET
    interactions = r.interactions + excluded.interactions,
    resolved = r.resolved + excluded.resolved,
    escalated = r.escalated + excluded.escalated,
    errors = r.errors + excluded.errors,
    confidences = r.confidences + excluded.confidences,
    confidence_sum = r.confidence_sum + excluded.confidence_sum,
    processing_ms = switchboard_add(r.processing_ms, excluded.processing_ms),
    first_response_ms = switchboard_add(r.first_response_ms, excluded.first_response_ms)
), names AS (
  INSERT INTO interaction_rollup_names AS r (workspace_id, grain, at, mode, dimension, name, interactions, escalated)
  SELECT workspace_id, grain, at, mode, d.dimension, d.name, count(*), count(*) FILTER (WHERE escalated)
  FROM counted
  CROSS JOIN LATERAL (VALUES ('intent', intent), ('category', category), ('trigger', trigger_type)) AS d (dimension, name)
  WHERE d.name IS NOT NULL AND mode <> '*'
  GROUP BY workspace_id, grain, at, mode, d.dimension, d.name
  ORDER BY workspace_id, grain, at, mode, d.dimension, d.name
  ON CONFLICT (workspace_id, grain, at, mode, dimension, name) DO UPDATE SET
    interactions = r.interactions + excluded.interactions,
    escalated = r.escalated + excluded.escalated
)
SELECT count(*) AS counted FROM taken
