-- Keeps the counts, whoever writes; the statements are planned once a connection, where they were anew each time. Writers of
-- one workspace that change any take turns from here to their commit: a statement that both inserts and updates comes here
-- twice, so that two could otherwise wait for each other.
CREATE OR REPLACE FUNCTION switchboard_count_insights() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
  moves insight_counts[];
BEGIN
  CASE TG_OP
    WHEN 'INSERT' THEN
      SELECT array_agg(m) INTO moves FROM (
        SELECT (workspace_id, source_type, processing_status, count(*))::insight_counts AS m
        FROM fresh, unnest(array_prepend('', eni_source_types)) source_type
        GROUP BY workspace_id, source_type, processing_status) moved;
    WHEN 'DELETE' THEN
      SELECT array_agg(m) INTO moves FROM (
        SELECT (workspace_id, source_type, processing_status, -count(*))::insight_counts AS m
        FROM former, unnest(array_prepend('', eni_source_types)) source_type
        GROUP BY workspace_id, source_type, processing_status) moved;
    ELSE
      SELECT array_agg(m) INTO moves FROM (
        SELECT (workspace_id, source_type, processing_status, sum(change))::insight_counts AS m
        FROM (SELECT workspace_id, eni_source_types, processing_status, 1 AS change FROM fresh
              UNION ALL
              SELECT workspace_id, eni_source_types, processing_status, -1 FROM former) changed,
             unnest(array_prepend('', eni_source_types)) source_type
        GROUP BY workspace_id, source_type, processing_status
        HAVING sum(change) <> 0) moved;
  END CASE;
  PERFORM pg_advisory_xact_lock(hashtextextended('insights of ' || workspace_id, 0))
  FROM (SELECT DISTINCT workspace_id FROM unnest(moves) ORDER BY 1) w;
  INSERT INTO insight_counts AS c (workspace_id, source_type, processing_status, contacts)
  SELECT workspace_id, source_type, processing_status, contacts FROM unnest(moves) ORDER BY 1, 2, 3
  ON CONFLICT (workspace_id, source_type, processing_status) DO UPDATE SET contacts = c.contacts + excluded.contacts;
  RETURN NULL;
END $$;
