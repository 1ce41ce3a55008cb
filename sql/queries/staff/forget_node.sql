-- A node that starts holds nobody's socket yet: whoever was there by it is not, from now on.
UPDATE staff_presence SET status = 'offline', since = now() WHERE node = $1 AND status <> 'offline'
