-- The epoch of every position handed out.
SELECT log_epoch FROM deployment
