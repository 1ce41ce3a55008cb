-- What each sentence of a chunk means, beside what all of it does: rows of a step and of numbers in steps, a byte each. None of
-- a chunk that was embedded before; the next import embeds it anew.
ALTER TABLE knowledge_chunks ADD COLUMN sentences bytea CHECK (sentences IS NULL OR embedding IS NOT NULL);
