-- For many readers at once: the messages after one position up to another, as many of the newest as fit the bytes.
SELECT ord, conversation_id, seq, id, client_id, role, agent_name, author_id, author_name, content, citations,
       attachments, metadata, created_at
FROM (
  SELECT i.ord, m.*,
         sum(octet_length(to_json(m.content)::text)
             + coalesce(octet_length(to_json(m.author_name)::text), 0) + coalesce(octet_length(m.citations::text), 0)
             + coalesce(octet_length(m.attachments::text), 0) + coalesce(octet_length(m.metadata::text), 0) + 500)
           OVER (PARTITION BY i.ord ORDER BY m.seq DESC) AS bytes
  FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS i (conversation_id, after, upto, ord)
  JOIN messages m ON m.conversation_id = i.conversation_id AND m.seq > i.after AND m.seq <= i.upto
) page
WHERE bytes <= $4
ORDER BY ord, seq
