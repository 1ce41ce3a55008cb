-- How much of the audit log is due, as far as 10,000.
SELECT count(*) AS audit_log FROM (SELECT FROM audit_log WHERE created_at < $1 LIMIT 10000) due
