-- What could not be processed: a new row, or what stands already once more. Rows are taken in one order, so that two who
-- record the same do not wait for each other.
INSERT INTO processing_failures AS f (workspace_id, id, kind, subject, reason, times, first_at, last_at)
SELECT $1, (array_agg(id ORDER BY ord))[1], $2, subject, (array_agg(reason ORDER BY ord DESC))[1], count(*), $3, $3
FROM unnest($4::uuid[], $5::text[], $6::text[]) WITH ORDINALITY AS n (id, subject, reason, ord)
GROUP BY subject
ORDER BY subject
ON CONFLICT (workspace_id, kind, subject) DO UPDATE
SET reason = excluded.reason, times = f.times + excluded.times, last_at = greatest(f.last_at, excluded.last_at)
