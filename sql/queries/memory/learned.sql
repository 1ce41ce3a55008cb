-- A conversation has been learned from, unless something was added meanwhile.
DELETE FROM finished_conversations WHERE workspace_id = $1 AND conversation_id = $2 AND pass = $3
