-- Which of these conversations are here, and how many messages each had when it was imported.
SELECT id, (metadata ->> 'import_messages')::bigint AS messages
FROM conversations
WHERE workspace_id = $1 AND id = ANY ($2)
