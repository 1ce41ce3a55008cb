-- What people have who said that they are there and have been offline since before a moment.
SELECT e.id, e.workspace_id, e.conversation_id, e.assignee_id, p.name
FROM escalations e
JOIN staff_presence p ON p.workspace_id = e.workspace_id AND p.person_id = e.assignee_id
WHERE e.status = 'in_progress' AND p.status = 'offline' AND p.since < $1
ORDER BY e.id
LIMIT 200
