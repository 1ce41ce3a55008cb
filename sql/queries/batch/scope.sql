-- Opens every read: it sees only the workspaces it was asked for.
SELECT set_config('switchboard.workspaces', $1, true)
