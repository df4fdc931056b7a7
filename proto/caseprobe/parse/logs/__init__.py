"""Logs of every origin as one kind of entry: the ring of the kernel, the journal, syslog text."""
