-- Opens every batch: this node must still hold its lease, and the batch sees only the workspaces it writes for.
SELECT switchboard_hold_lease($1, $2), set_config('switchboard.workspaces', $3, true)
