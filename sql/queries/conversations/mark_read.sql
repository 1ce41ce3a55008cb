-- Watermarks only ever rise.
UPDATE conversations c
SET user_read_seq = greatest(c.user_read_seq, i.user_seq), staff_read_seq = greatest(c.staff_read_seq, i.staff_seq)
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS i (id, user_seq, staff_seq)
WHERE c.id = i.id
