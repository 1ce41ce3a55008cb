-- Last of all the visitor, once nothing of theirs is left.
DELETE FROM users u
WHERE u.workspace_id = $1 AND u.id = $2 AND NOT EXISTS (SELECT FROM conversations c WHERE c.user_id = u.id)
RETURNING 1
