-- All items, those of the domains that a list leaves out included; and how many wait for a vector.
SELECT (SELECT coalesce(sum(total), 0)::bigint FROM memory_counts WHERE workspace_id = $1 AND kind = 'domain') AS items,
       (SELECT count(*) FROM memory_items WHERE workspace_id = $1 AND embedding IS NULL) AS waiting
