-- Whether pgvector's index is there and whole.
SELECT EXISTS (
  SELECT FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  WHERE c.relname = 'memory_items_by_vector' AND i.indisvalid
) AS indexed
