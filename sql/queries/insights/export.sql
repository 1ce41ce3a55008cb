-- One page of all insights, each as a line of JSON with the keys of the groups that it has taken in.
SELECT e.workspace_id AS id, e.contact_id AS place, row_to_json(e)::text AS line
FROM (
  SELECT workspace_id, contact_id, eni_id, member_name, eni_source_types, eni_source_subtypes, total_eni_ids, record_count,
         insights, processing_status, generated_at, created_at, updated_at, version, metadata,
         ARRAY(SELECT g.group_key FROM insight_groups g
               WHERE g.workspace_id = s.workspace_id AND g.contact_id = s.contact_id ORDER BY g.group_key) AS group_keys
  FROM structured_insights s
  WHERE (workspace_id, contact_id) > ($1, $2)
  ORDER BY workspace_id, contact_id
  LIMIT $3
) AS e
ORDER BY e.workspace_id, e.contact_id
