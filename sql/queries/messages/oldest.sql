-- The messages after a position, as many of the oldest as fit the bytes.
SELECT conversation_id, seq, id, client_id, role, agent_name, author_id, author_name, content, citations,
       attachments, metadata, created_at
FROM (
  SELECT m.*,
         sum(octet_length(to_json(m.content)::text)
             + coalesce(octet_length(to_json(m.author_name)::text), 0) + coalesce(octet_length(m.citations::text), 0)
             + coalesce(octet_length(m.attachments::text), 0) + coalesce(octet_length(m.metadata::text), 0) + 500) OVER (ORDER BY m.seq) AS bytes
  FROM messages m
  WHERE m.conversation_id = $1 AND m.seq > $2 AND m.seq <= $3
) page
WHERE bytes <= $4
ORDER BY seq
