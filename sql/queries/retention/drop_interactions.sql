-- Ends rows that were written to the archive.
DELETE FROM interactions WHERE id = ANY ($1)
