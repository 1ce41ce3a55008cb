-- Indexes the words that wait, the first to come first: those of a field that was written anew replace the ones that were
-- there. Who comes meanwhile waits for these rows and goes on with the next. A contact is held so that it cannot be deleted
-- and leave its words behind; words of one that is gone, though it may have come anew, end here. Everything is read by its
-- key, whatever the planner knows of a table that is empty most of the time.
WITH waiting AS MATERIALIZED (
  SELECT ctid AS place
  FROM insight_unindexed
  WHERE workspace_id = $1
    AND id < $2 + (SELECT id FROM insight_unindexed WHERE workspace_id = $1 ORDER BY workspace_id, id LIMIT 1)
  ORDER BY id
  FOR UPDATE
), taken AS (
  DELETE FROM insight_unindexed
  WHERE ctid = ANY (ARRAY(SELECT place FROM waiting))
  RETURNING id, contact_id, created_at, fields, words
), fresh AS (
  SELECT t.*, h.updated_at,
         bit_or(fields) OVER (PARTITION BY contact_id ORDER BY id DESC
                              ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS fields_to_come
  FROM (SELECT * FROM taken ORDER BY contact_id) t
  CROSS JOIN LATERAL (
    SELECT updated_at
    FROM structured_insights
    WHERE workspace_id = $1 AND contact_id = t.contact_id AND created_at = t.created_at
    FOR KEY SHARE
  ) h
), worded AS (
  INSERT INTO insight_words AS w (workspace_id, contact_id, updated_at, fields, words)
  SELECT $1, contact_id, max(updated_at), bit_or(fields),
         switchboard_concat(CASE WHEN fields & fields_to_come <> 0 THEN switchboard_words_beside(words, fields_to_come)
                                 ELSE words END)
  FROM fresh
  GROUP BY contact_id
  ORDER BY contact_id
  ON CONFLICT (workspace_id, contact_id) DO UPDATE
  SET updated_at = greatest(excluded.updated_at, w.updated_at),
      fields = w.fields | excluded.fields,
      words = switchboard_words_beside(w.words, excluded.fields) || excluded.words
)
SELECT count(*) AS taken FROM taken
