-- Written at most once a day and visitor: a page view is not an act.
UPDATE users SET resume_used_at = now() WHERE id = $1
