-- Keeps the counts, whoever writes. Writers of one workspace that change any take turns from here to their commit: a
-- statement that both inserts and updates comes here twice, so that two could otherwise wait for each other.
CREATE OR REPLACE FUNCTION switchboard_count_insights() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
  come   constant text := 'SELECT workspace_id, eni_source_types, processing_status, 1 AS change FROM fresh';
  gone   constant text := 'SELECT workspace_id, eni_source_types, processing_status, -1 FROM former';
  locked uuid;
  moved  record;
BEGIN
  FOR moved IN EXECUTE format(
    'SELECT workspace_id, source_type, processing_status, sum(change) AS change '
    'FROM (%s) AS m (workspace_id, eni_source_types, processing_status, change), '
    '     unnest(array_prepend('''', eni_source_types)) source_type '
    'GROUP BY 1, 2, 3 HAVING sum(change) <> 0 ORDER BY 1, 2, 3',
    CASE TG_OP WHEN 'INSERT' THEN come WHEN 'DELETE' THEN gone ELSE come || ' UNION ALL ' || gone END)
  LOOP
    IF locked IS DISTINCT FROM moved.workspace_id THEN
      PERFORM pg_advisory_xact_lock(hashtextextended('insights of ' || moved.workspace_id, 0));
      locked := moved.workspace_id;
    END IF;
    INSERT INTO insight_counts AS c (workspace_id, source_type, processing_status, contacts)
    VALUES (moved.workspace_id, moved.source_type, moved.processing_status, moved.change)
    ON CONFLICT (workspace_id, source_type, processing_status) DO UPDATE SET contacts = c.contacts + excluded.contacts;
  END LOOP;
  RETURN NULL;
END $$;
