-- Before a contact is deleted: what is folded into it meanwhile waits, or has come and is seen by the statement after this.
SELECT contact_id FROM structured_insights WHERE workspace_id = $1 AND contact_id = $2 FOR UPDATE
