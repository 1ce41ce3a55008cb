-- How many stand of each kind; a workspace has no more than a thousand.
SELECT kind, count(*) AS standing FROM processing_failures WHERE workspace_id = $1 GROUP BY kind
