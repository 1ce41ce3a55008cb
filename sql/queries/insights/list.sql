-- One page of a workspace's insights, by what they are ordered by: only the branch of that order runs, along its index. A
-- page begins behind a row ($5 or $6, and $7), or after so many ($9).
WITH page AS (
  (SELECT contact_id FROM structured_insights
   WHERE $2 = 'updated_at asc' AND workspace_id = $1 AND ($7 IS NULL OR (updated_at, contact_id) > ($5, $7))
     AND ($3 IS NULL OR processing_status = $3) AND ($4 IS NULL OR $4 = ANY (eni_source_types))
   ORDER BY updated_at ASC, contact_id ASC LIMIT $8 OFFSET $9)
  UNION ALL
  (SELECT contact_id FROM structured_insights
   WHERE $2 = 'updated_at desc' AND workspace_id = $1 AND ($7 IS NULL OR (updated_at, contact_id) < ($5, $7))
     AND ($3 IS NULL OR processing_status = $3) AND ($4 IS NULL OR $4 = ANY (eni_source_types))
   ORDER BY updated_at DESC, contact_id DESC LIMIT $8 OFFSET $9)
  UNION ALL
  (SELECT contact_id FROM structured_insights
   WHERE $2 = 'created_at asc' AND workspace_id = $1 AND ($7 IS NULL OR (created_at, contact_id) > ($5, $7))
     AND ($3 IS NULL OR processing_status = $3) AND ($4 IS NULL OR $4 = ANY (eni_source_types))
   ORDER BY created_at ASC, contact_id ASC LIMIT $8 OFFSET $9)
  UNION ALL
  (SELECT contact_id FROM structured_insights
   WHERE $2 = 'created_at desc' AND workspace_id = $1 AND ($7 IS NULL OR (created_at, contact_id) < ($5, $7))
     AND ($3 IS NULL OR processing_status = $3) AND ($4 IS NULL OR $4 = ANY (eni_source_types))
   ORDER BY created_at DESC, contact_id DESC LIMIT $8 OFFSET $9)
  UNION ALL
  (SELECT contact_id FROM structured_insights
   WHERE $2 = 'generated_at asc' AND workspace_id = $1 AND ($7 IS NULL OR (generated_at, contact_id) > ($5, $7))
     AND ($3 IS NULL OR processing_status = $3) AND ($4 IS NULL OR $4 = ANY (eni_source_types))
   ORDER BY generated_at ASC, contact_id ASC LIMIT $8 OFFSET $9)
  UNION ALL
  (SELECT contact_id FROM structured_insights
   WHERE $2 = 'generated_at desc' AND workspace_id = $1 AND ($7 IS NULL OR (generated_at, contact_id) < ($5, $7))
     AND ($3 IS NULL OR processing_status = $3) AND ($4 IS NULL OR $4 = ANY (eni_source_types))
   ORDER BY generated_at DESC, contact_id DESC LIMIT $8 OFFSET $9)
  UNION ALL
  (SELECT contact_id FROM structured_insights
   WHERE $2 = 'contact_id asc' AND workspace_id = $1 AND ($7 IS NULL OR contact_id > $7)
     AND ($3 IS NULL OR processing_status = $3) AND ($4 IS NULL OR $4 = ANY (eni_source_types))
   ORDER BY contact_id ASC LIMIT $8 OFFSET $9)
  UNION ALL
  (SELECT contact_id FROM structured_insights
   WHERE $2 = 'contact_id desc' AND workspace_id = $1 AND ($7 IS NULL OR contact_id < $7)
     AND ($3 IS NULL OR processing_status = $3) AND ($4 IS NULL OR $4 = ANY (eni_source_types))
   ORDER BY contact_id DESC LIMIT $8 OFFSET $9)
  UNION ALL
  (SELECT contact_id FROM structured_insights
   WHERE $2 = 'member_name asc' AND workspace_id = $1 AND ($7 IS NULL OR (coalesce(member_name, ''), contact_id) > ($6, $7))
     AND ($3 IS NULL OR processing_status = $3) AND ($4 IS NULL OR $4 = ANY (eni_source_types))
   ORDER BY coalesce(member_name, '') ASC, contact_id ASC LIMIT $8 OFFSET $9)
  UNION ALL
  (SELECT contact_id FROM structured_insights
   WHERE $2 = 'member_name desc' AND workspace_id = $1 AND ($7 IS NULL OR (coalesce(member_name, ''), contact_id) < ($6, $7))
     AND ($3 IS NULL OR processing_status = $3) AND ($4 IS NULL OR $4 = ANY (eni_source_types))
   ORDER BY coalesce(member_name, '') DESC, contact_id DESC LIMIT $8 OFFSET $9)
)
SELECT s.contact_id, s.eni_id, s.member_name, s.eni_source_types, s.eni_source_subtypes, s.total_eni_ids, s.record_count,
       s.insights, s.processing_status, s.generated_at, s.created_at, s.updated_at, s.version, s.metadata
FROM (SELECT contact_id, row_number() OVER () AS place FROM page) AS p
JOIN structured_insights s ON s.workspace_id = $1 AND s.contact_id = p.contact_id
ORDER BY p.place
