-- Run where no workspace was named: if this sees one, row-level security is bypassed.
SELECT EXISTS (SELECT FROM workspaces) AS visible
