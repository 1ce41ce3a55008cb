-- Ends rows that were written to the archive.
DELETE FROM escalations WHERE id = ANY ($1)
