-- After a batch was refused: which of its conversations stand at another version than it thought.
SELECT id, version, write_id FROM conversations WHERE id = ANY ($1)
