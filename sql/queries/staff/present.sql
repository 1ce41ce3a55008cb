-- The colleagues who are there.
SELECT person_id, name, status, capacity, since
FROM staff_presence
WHERE workspace_id = $1 AND status <> 'offline'
ORDER BY person_id
LIMIT 1000
