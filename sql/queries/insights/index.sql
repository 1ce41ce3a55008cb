-- Writes the words that contacts were found to hold, and takes them off those that wait. One that was folded into since waits
-- again and is left to that; one that was deleted, though it may have come anew, keeps nothing: it is held until the commit,
-- so that it cannot be deleted meanwhile and leave its words behind. What the list of words holds for a contact ends where `$7` says.
WITH done AS (
  DELETE FROM insight_unindexed WHERE workspace_id = $1 AND id = ANY ($2)
), found AS (
  SELECT contact_id, created_at, version, $6[coalesce($7[ord - 1], 0) + 1 : $7[ord]] AS words
  FROM unnest($3::text[], $4::timestamptz[], $5::bigint[]) WITH ORDINALITY AS f (contact_id, created_at, version, ord)
)
INSERT INTO insight_words AS w (workspace_id, contact_id, updated_at, version, words)
SELECT $1, f.contact_id, s.updated_at, f.version, f.words
FROM (SELECT * FROM found ORDER BY contact_id) f
CROSS JOIN LATERAL (
  SELECT updated_at
  FROM structured_insights
  WHERE workspace_id = $1 AND contact_id = f.contact_id AND created_at = f.created_at AND version = f.version
  FOR KEY SHARE
) s
ON CONFLICT (workspace_id, contact_id) DO UPDATE
SET updated_at = excluded.updated_at, version = excluded.version, words = excluded.words
WHERE w.version <= excluded.version
