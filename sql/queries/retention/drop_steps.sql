-- Ends steps that were written to the archive.
DELETE FROM turn_steps t USING unnest($1, $2, $3) AS gone (conversation_id, turn, step)
WHERE t.conversation_id = gone.conversation_id AND t.turn = gone.turn AND t.step = gone.step
