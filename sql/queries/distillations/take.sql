-- A part of a conversation is taken in, with what else is in this transaction; or neither is.
SELECT switchboard_distilled($1, $2, $3, $4, $5)::text AS taken
