-- Ends a log-in: its refresh tokens now, its access tokens as soon as each server has noticed.
UPDATE logins SET ended_at = now(), ended_by = 'logout' WHERE id = $1 AND ended_at IS NULL RETURNING id
