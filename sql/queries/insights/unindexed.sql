-- The first contacts that wait to be indexed, each as it stands now; one that is gone has nothing. Everything is read by its
-- key, whatever the planner knows of a table that is empty most of the time.
SELECT u.id, u.contact_id, s.created_at, s.version, s.member_name, s.insights
FROM (
  SELECT id, contact_id
  FROM insight_unindexed
  WHERE workspace_id = $1
    AND id < $2 + (SELECT id FROM insight_unindexed WHERE workspace_id = $1 ORDER BY workspace_id, id LIMIT 1)
  OFFSET 0
) u
LEFT JOIN LATERAL (
  SELECT created_at, version, member_name, insights
  FROM structured_insights
  WHERE workspace_id = $1 AND contact_id = u.contact_id
  OFFSET 0
) s ON true
