-- A step in the life of each escalation, written with the state of its conversation, whose version guards both. One
-- repeated after an unknown commit finds its write_id and changes nothing.
UPDATE escalations e SET
  version = e.version + 1,
  status = i.status,
  assignee_id = i.assignee_id,
  assignee_name = i.assignee_name,
  resolution = coalesce(i.resolution, e.resolution),
  notified_at = CASE WHEN i.status = 'notified' THEN coalesce(e.notified_at, i.at) ELSE e.notified_at END,
  claimed_at = CASE
    WHEN i.status IN ('pending', 'notified') THEN NULL
    WHEN i.status = 'in_progress' AND e.assignee_id IS DISTINCT FROM i.assignee_id THEN i.at
    ELSE e.claimed_at
  END,
  resolved_at = CASE WHEN i.status = 'resolved' THEN i.at END,
  updated_at = greatest(e.updated_at, i.at),
  write_id = i.write_id
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[])
  AS i (id, write_id, status, assignee_id, assignee_name, resolution, at)
WHERE e.id = i.id AND e.write_id IS DISTINCT FROM i.write_id
