-- What is so now, and what visitors thought of the conversations whose ids, which begin with the time, are in the period.
SELECT (SELECT count(*) FROM conversations c
        WHERE c.workspace_id = $1 AND c.status IN ('active', 'waiting', 'with_staff')
          AND ($2::text IS NULL OR c.mode = $2)) AS active,
       (SELECT count(*) FROM escalations e
        WHERE e.workspace_id = $1 AND e.status IN ('pending', 'notified', 'in_progress')
          AND ($2::text IS NULL
               OR $2 = (SELECT mode FROM conversations c WHERE c.id = e.conversation_id))) AS escalations,
       r.ratings, r.average
FROM (
  SELECT count(*) AS ratings, avg(c.rating)::double precision AS average
  FROM conversations c
  WHERE c.workspace_id = $1 AND c.rating IS NOT NULL AND c.id >= $3 AND c.id < $4 AND ($2::text IS NULL OR c.mode = $2)
) r
