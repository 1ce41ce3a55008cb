-- Counts the next interactions into the rollups and marks them, in one transaction: each once, whenever it was
-- committed, and whoever counts at the same time waits. Every one belongs to its hour, its day and its
-- month, to its mode and to all modes: they are summed by the hour, and the few sums are what is added to the rest.
WITH taken AS (
  UPDATE interactions i SET counted = true
  FROM (SELECT id FROM interactions WHERE NOT counted ORDER BY id LIMIT $1 FOR UPDATE) next
  WHERE i.id = next.id
  RETURNING i.workspace_id, date_trunc('hour', i.created_at, 'UTC') AS hour, coalesce(i.mode, '') AS mode, i.turn, i.intent,
            i.category, i.outcome, i.escalated, i.trigger_type, i.confidence, i.processing_time_ms
), hourly AS (
  SELECT workspace_id, hour, mode, count(*) AS interactions, count(*) FILTER (WHERE outcome = 'resolved') AS resolved,
         count(*) FILTER (WHERE escalated) AS escalated, count(*) FILTER (WHERE trigger_type = 'agent_error') AS errors,
         count(confidence) AS confidences, coalesce(sum(confidence::double precision), 0) AS confidence_sum,
         switchboard_histogram(processing_time_ms) AS processing_ms,
         coalesce(switchboard_histogram(processing_time_ms) FILTER (WHERE turn = 1 AND outcome NOT IN ('cancelled', 'taken_over')), '{0}')
           AS first_response_ms
  FROM taken
  GROUP BY workspace_id, hour, mode
), hourly_names AS (
  SELECT workspace_id, hour, mode, d.dimension, d.name, count(*) AS interactions, count(*) FILTER (WHERE escalated) AS escalated
  FROM taken
  CROSS JOIN LATERAL (VALUES ('intent', intent), ('category', category), ('trigger', trigger_type)) AS d (dimension, name)
  WHERE d.name IS NOT NULL
  GROUP BY workspace_id, hour, mode, d.dimension, d.name
), grains (grain) AS (
  VALUES ('hour'), ('day'), ('month')
), sums AS (
  INSERT INTO interaction_rollups AS r (workspace_id, grain, at, mode, interactions, resolved, escalated, errors,
                                        confidences, confidence_sum, processing_ms, first_response_ms)
  SELECT workspace_id, grain, date_trunc(grain, hour, 'UTC') AS at, m.mode, sum(interactions), sum(resolved), sum(escalated),
         sum(errors), sum(confidences), sum(confidence_sum), switchboard_sum(processing_ms), switchboard_sum(first_response_ms)
  FROM hourly
  CROSS JOIN grains
  CROSS JOIN LATERAL (VALUES (hourly.mode), ('*')) AS m (mode)
  GROUP BY workspace_id, grain, at, m.mode
  ORDER BY workspace_id, grain, at, m.mode
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
  SELECT workspace_id, grain, date_trunc(grain, hour, 'UTC') AS at, mode, dimension, name, sum(interactions), sum(escalated)
  FROM hourly_names
  CROSS JOIN grains
  GROUP BY workspace_id, grain, at, mode, dimension, name
  ORDER BY workspace_id, grain, at, mode, dimension, name
  ON CONFLICT (workspace_id, grain, at, mode, dimension, name) DO UPDATE SET
    interactions = r.interactions + excluded.interactions,
    escalated = r.escalated + excluded.escalated
)
SELECT count(*) AS counted FROM taken
