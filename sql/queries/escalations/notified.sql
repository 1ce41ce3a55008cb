-- Somebody has been told: the row follows the state of its conversation, once.
UPDATE escalations SET status = 'notified', version = version + 1, notified_at = e.at, updated_at = e.at
FROM unnest($1::uuid[], $2::timestamptz[]) AS e (id, at)
WHERE escalations.id = e.id AND escalations.status = 'pending'
