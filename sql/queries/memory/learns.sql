-- Whether what staff answered may be quoted to other visitors.
SELECT learns FROM workspaces WHERE id = $1
