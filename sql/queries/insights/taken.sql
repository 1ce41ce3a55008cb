-- Which of some groups their contacts have taken in already.
SELECT g.contact_id, g.group_key
FROM unnest($2::text[], $3::text[]) AS w (contact_id, group_key)
JOIN insight_groups g ON g.workspace_id = $1 AND g.contact_id = w.contact_id AND g.group_key = w.group_key
LIMIT 1000
