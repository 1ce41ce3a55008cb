-- Lets go of a turn.
DELETE FROM sync_turns WHERE workspace_id = $1 AND sink = $2 AND holder = $3
