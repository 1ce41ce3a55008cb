-- How many chunks wait, counted no further than a limit.
SELECT count(*) AS waiting FROM (SELECT FROM knowledge_chunks WHERE embedding IS NULL LIMIT $1) AS known
