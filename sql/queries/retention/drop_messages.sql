-- Ends messages that were written to the archive.
DELETE FROM messages m USING unnest($1, $2) AS gone (conversation_id, seq)
WHERE m.conversation_id = gone.conversation_id AND m.seq = gone.seq
