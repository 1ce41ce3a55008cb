-- Forgets log-ins whose last token of any kind has expired, some at a time: each new one pays for it.
DELETE FROM logins WHERE id IN (SELECT id FROM logins WHERE expires_at < now() - interval '1 day' LIMIT 100)
