-- Folds groups of insights into their contacts: groups of one contact in the order given, a group that was taken in before
-- not again; none comes twice, and `alone` says whose contact has no other group here. Everybody takes the locks in one
-- order, of all groups before those of contacts, each by its key: so no two batches wait for each other. Each contact then
-- waits to be indexed. A list of types comes as the text of an array.
WITH incoming AS (
  SELECT contact_id, group_key, alone, member_name, total_eni_ids, record_count, insights, processing_status,
         generated_at, metadata, ord,
         source_types::text[] AS eni_source_types,
         source_subtypes::text[] AS eni_source_subtypes
  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::jsonb[],
              $10::text[], $11::timestamptz[], $12::jsonb[], $13::boolean[])
    WITH ORDINALITY AS i (contact_id, group_key, member_name, source_types, source_subtypes, total_eni_ids, record_count,
                          insights, processing_status, generated_at, metadata, alone, ord)
), taken AS (
  INSERT INTO insight_groups (workspace_id, contact_id, group_key, taken_at)
  SELECT $1, contact_id, group_key, now()
  FROM incoming
  WHERE group_key IS NOT NULL
  ORDER BY contact_id, group_key
  ON CONFLICT DO NOTHING
  RETURNING contact_id, group_key
), fresh AS (
  SELECT i.*
  FROM incoming i
  LEFT JOIN taken t USING (contact_id, group_key)
  WHERE group_key IS NULL OR t.contact_id IS NOT NULL
), folded AS (
  SELECT contact_id, 1 AS groups, member_name, eni_source_types, eni_source_subtypes, total_eni_ids, record_count,
         insights, processing_status, generated_at, metadata
  FROM fresh
  WHERE alone
  UNION ALL
  SELECT contact_id, count(*),
         (array_agg(member_name ORDER BY ord DESC) FILTER (WHERE member_name IS NOT NULL))[1],
         switchboard_set(switchboard_concat(eni_source_types ORDER BY ord)),
         switchboard_set(switchboard_concat(eni_source_subtypes ORDER BY ord)),
         sum(total_eni_ids)::bigint,
         sum(record_count)::bigint,
         switchboard_merge(insights ORDER BY ord),
         (array_agg(processing_status ORDER BY ord DESC))[1],
         (array_agg(generated_at ORDER BY ord) FILTER (WHERE generated_at IS NOT NULL))[1],
         (array_agg(metadata ORDER BY ord DESC) FILTER (WHERE metadata IS NOT NULL))[1]
  FROM fresh
  WHERE NOT alone
  GROUP BY contact_id
), stored AS (
  INSERT INTO structured_insights AS s (workspace_id, contact_id, member_name, eni_source_types, eni_source_subtypes,
                                        total_eni_ids, record_count, insights, processing_status, generated_at,
                                        created_at, updated_at, version, metadata)
  SELECT $1, contact_id, member_name, eni_source_types, eni_source_subtypes, total_eni_ids, record_count, insights,
         processing_status, coalesce(generated_at, at), at, at, groups, metadata
  FROM (SELECT *, clock_timestamp() AS at FROM folded ORDER BY contact_id) f
  ON CONFLICT (workspace_id, contact_id) DO UPDATE
  SET member_name = coalesce(excluded.member_name, s.member_name),
      eni_source_types = s.eni_source_types || ARRAY(
        SELECT type FROM unnest(excluded.eni_source_types) type WHERE type <> ALL (s.eni_source_types)),
      eni_source_subtypes = s.eni_source_subtypes || ARRAY(
        SELECT subtype FROM unnest(excluded.eni_source_subtypes) subtype WHERE subtype <> ALL (s.eni_source_subtypes)),
      total_eni_ids = s.total_eni_ids + excluded.total_eni_ids,
      record_count = s.record_count + excluded.record_count,
      insights = s.insights || excluded.insights,
      processing_status = excluded.processing_status,
      updated_at = greatest(clock_timestamp(), s.updated_at),
      version = s.version + excluded.version,
      metadata = coalesce(excluded.metadata, s.metadata)
  RETURNING contact_id, xmax = 0 AS is_new, CASE WHEN $14 THEN s END AS whole
), unindexed AS (
  INSERT INTO insight_unindexed (workspace_id, contact_id) SELECT $1, contact_id FROM stored
)
SELECT fresh, created, (whole).*
FROM (SELECT count(*) AS fresh FROM fresh) f
CROSS JOIN (SELECT count(*) AS created FROM stored WHERE is_new) c
LEFT JOIN stored ON $14
