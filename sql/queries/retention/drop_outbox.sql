-- Ends rows that were written to the archive.
DELETE FROM outbox WHERE id = ANY ($1)
