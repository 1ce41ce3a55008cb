-- Ends notes that were written to the archive.
DELETE FROM notes n USING unnest($1, $2) AS gone (conversation_id, seq)
WHERE n.conversation_id = gone.conversation_id AND n.seq = gone.seq
