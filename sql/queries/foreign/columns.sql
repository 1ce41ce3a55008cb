-- The tables of a schema with their columns, of a database that is read from. Views are left out: they show rows again.
SELECT c.relname::text AS table_name, a.attname::text AS column_name, t.typname::text AS type_name,
       has_table_privilege(c.oid, 'SELECT') AS readable
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition
ORDER BY c.relname, a.attnum
LIMIT 50000
