-- Ends feedback that was written to the archive.
DELETE FROM message_feedback f USING unnest($1, $2) AS gone (conversation_id, message_id)
WHERE f.conversation_id = gone.conversation_id AND f.message_id = gone.message_id::uuid
