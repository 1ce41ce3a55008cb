-- Who is online and has room, the one with the least to do first; who has waited longest among equals.
SELECT p.person_id, p.name
FROM staff_presence p
CROSS JOIN LATERAL (
  SELECT count(*) AS load, max(e.claimed_at) AS latest FROM escalations e
  WHERE e.workspace_id = p.workspace_id AND e.assignee_id = p.person_id AND e.status = 'in_progress'
) has
WHERE p.workspace_id = $1 AND p.status = 'online' AND has.load < p.capacity
ORDER BY has.load, has.latest NULLS FIRST, p.since, p.person_id
LIMIT 1
