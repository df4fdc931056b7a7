"""Path probes: the pure trace state machine and the sockets of each tier."""
