-- What the agent decided stays for the sums, without a word of what was said.
WITH blank AS (
  UPDATE interactions SET user_message = NULL, response = NULL, reason = NULL, detail = NULL
  WHERE workspace_id = $1 AND id IN (
    SELECT id FROM interactions
    WHERE conversation_id = $2
      AND (user_message IS NOT NULL OR response IS NOT NULL OR reason IS NOT NULL OR detail IS NOT NULL)
    ORDER BY turn LIMIT $3)
  RETURNING 1
)
SELECT count(*) AS gone FROM blank
