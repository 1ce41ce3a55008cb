-- How many traces there are of each outcome, and items of each domain, the most first.
SELECT kind, name, total FROM memory_counts
WHERE workspace_id = $1 AND total > 0
ORDER BY kind, total DESC, name
LIMIT 1000
