-- Ends rows that were written to the archive.
DELETE FROM processing_failures WHERE id = ANY ($1)
