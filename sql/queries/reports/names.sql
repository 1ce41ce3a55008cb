-- The same period by intent, by category and by trigger, the most frequent first.
SELECT dimension, name, sum(interactions)::bigint AS interactions, sum(escalated)::bigint AS escalated
FROM interaction_rollup_names
WHERE workspace_id = $1 AND ($2 = '*' OR mode = $2)
  AND (grain = 'day' AND at >= $5 AND at < $6
       OR grain = 'hour' AND at >= $3 AND at < $5
       OR grain = 'hour' AND at >= $6 AND at < $4)
GROUP BY dimension, name
ORDER BY dimension, sum(interactions) DESC, name
LIMIT 1000
