-- By what the rows of these tables are told apart (p), and what they point to (f).
SELECT c.relname::text AS table_name, k.contype::text AS kind, a.attname::text AS column_name,
       coalesce(o.relname::text, '') AS other_table, coalesce(b.attname::text, '') AS other_column
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL unnest(k.conkey) WITH ORDINALITY AS p (attnum, place)
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.attnum
LEFT JOIN pg_class o ON o.oid = k.confrelid
LEFT JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[p.place]
WHERE n.nspname = $1 AND k.contype IN ('p', 'f')
ORDER BY c.relname, k.contype, k.conname, p.place
LIMIT 50000
