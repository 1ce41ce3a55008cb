-- The next $4 contacts in the order of their ids, each with whether it was updated since $3. That order, and not that of
-- their changes: an id never changes, so who is there when a pass begins is met exactly once, whatever is written meanwhile,
-- and a pass comes to its end however much is. By their times, one that changes would move ahead of the cursor again and
-- again, and one whose transaction committed late would come in behind it. Few are read at a time, also where none is due.
SELECT contact_id, $3 IS NULL OR updated_at >= $3 AS due
FROM structured_insights
WHERE workspace_id = $1 AND contact_id > $2
ORDER BY contact_id
LIMIT $4
