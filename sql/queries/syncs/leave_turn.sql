-- Lets go of a turn. Who had it last stays written: the next one may have to wait for what that one has just sent.
UPDATE sync_turns SET held_until = now() WHERE workspace_id = $1 AND sink = $2 AND holder = $3
