-- The sums of a period: whole days from $5 to before $6 where there are some, hours from $3 to before $4 around them.
WITH parts AS (
  SELECT interactions, resolved, escalated, errors, confidences, confidence_sum, processing_ms, first_response_ms
  FROM interaction_rollups
  WHERE workspace_id = $1 AND mode = $2
    AND (grain = 'day' AND at >= $5 AND at < $6
         OR grain = 'hour' AND at >= $3 AND at < $5
         OR grain = 'hour' AND at >= $6 AND at < $4)
), merged AS (
  SELECT
    (SELECT array_agg(count ORDER BY place) FROM (
       SELECT place, sum(count)::bigint AS count FROM parts, unnest(processing_ms) WITH ORDINALITY AS h (count, place)
       GROUP BY place) processing) AS processing,
    (SELECT array_agg(count ORDER BY place) FROM (
       SELECT place, sum(count)::bigint AS count FROM parts, unnest(first_response_ms) WITH ORDINALITY AS h (count, place)
       GROUP BY place) first) AS first
)
SELECT coalesce(sum(interactions), 0)::bigint AS interactions, coalesce(sum(resolved), 0)::bigint AS resolved,
       coalesce(sum(escalated), 0)::bigint AS escalated, coalesce(sum(errors), 0)::bigint AS errors,
       sum(confidence_sum) / nullif(sum(confidences), 0)::double precision AS confidence,
       (SELECT switchboard_percentile(processing, 0.5) FROM merged) AS processing_p50,
       (SELECT switchboard_percentile(processing, 0.95) FROM merged) AS processing_p95,
       (SELECT switchboard_percentile(processing, 0.99) FROM merged) AS processing_p99,
       (SELECT switchboard_percentile(first, 0.5) FROM merged) AS first_p50,
       (SELECT switchboard_percentile(first, 0.95) FROM merged) AS first_p95
FROM parts
