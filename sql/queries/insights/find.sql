-- The contacts whose insights hold any of some words, the best first; what the parameters mean, the function says.
SELECT contact_id, score, updated_at, weights FROM switchboard_find_insights($1, $2, $3, $4, $5, $6, $7, $8, $9)
