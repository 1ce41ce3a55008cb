-- A period bucket by bucket; those in which nothing happened have no row. What they add up to is added up by who reads
-- them: an array of counts is merged there for a fiftieth of what it takes here.
SELECT at, interactions, resolved, escalated, errors, confidences, confidence_sum, processing_ms
FROM interaction_rollups
WHERE workspace_id = $1 AND mode = $2 AND grain = $3 AND at >= $4 AND at < $5
ORDER BY at
LIMIT 2000
