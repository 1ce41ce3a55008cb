-- After a batch was refused: what already stands where it wanted to write, by client_id and by number.
SELECT i.ord, m.conversation_id, m.seq, m.id, m.client_id, m.role, m.agent_name, m.author_id, m.author_name, m.content,
       m.citations, m.attachments, m.metadata, m.created_at
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) WITH ORDINALITY AS i (conversation_id, client_id, seq, ord)
JOIN messages m ON m.conversation_id = i.conversation_id AND (m.client_id = i.client_id OR m.seq = i.seq)
