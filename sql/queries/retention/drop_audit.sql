-- Ends entries that were written to the archive.
DELETE FROM audit_log WHERE id = ANY ($1)
