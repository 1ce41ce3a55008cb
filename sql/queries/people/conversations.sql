-- One page of a visitor's conversations, in the order of their ids.
SELECT id FROM conversations WHERE workspace_id = $1 AND user_id = $2 AND id > $3 ORDER BY id LIMIT $4
