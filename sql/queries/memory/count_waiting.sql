-- How many items wait, counted no further than a limit.
SELECT count(*) AS waiting FROM (SELECT FROM memory_items WHERE embedding IS NULL LIMIT $1) AS known
