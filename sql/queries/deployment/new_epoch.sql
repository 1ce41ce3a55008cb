-- After a restore, positions handed out earlier mean nothing.
UPDATE deployment SET log_epoch = gen_random_uuid() RETURNING log_epoch
