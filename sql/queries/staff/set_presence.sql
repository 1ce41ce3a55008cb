-- Whether somebody is there, and how much they take; `since` moves only with the status.
INSERT INTO staff_presence AS p (workspace_id, person_id, name, status, capacity, node, since)
VALUES ($1, $2, $3, $4, coalesce($5, $6), $7, $8)
ON CONFLICT (workspace_id, person_id) DO UPDATE SET
  name = excluded.name,
  status = excluded.status,
  capacity = coalesce($5, p.capacity),
  node = excluded.node,
  since = CASE WHEN p.status = excluded.status THEN p.since ELSE excluded.since END
RETURNING person_id, name, status, capacity, since
