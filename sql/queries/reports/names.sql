-- The same period by intent, by category and by trigger, the most frequent first. It comes in parts: months where there are
-- whole ones, days around them, hours around those. OFFSET 0 has each part read by its key: a join would read the whole table.
SELECT n.dimension, n.name, sum(n.interactions)::bigint AS interactions, sum(n.escalated)::bigint AS escalated
FROM unnest($3::text[], $4::timestamptz[], $5::timestamptz[]) AS part (grain, first, behind)
CROSS JOIN LATERAL (
  SELECT dimension, name, interactions, escalated
  FROM interaction_rollup_names
  WHERE workspace_id = $1 AND grain = part.grain AND at >= part.first AND at < part.behind AND ($2::text IS NULL OR mode = $2)
  OFFSET 0
) n
GROUP BY n.dimension, n.name
ORDER BY n.dimension, sum(n.interactions) DESC, n.name
LIMIT 1000
