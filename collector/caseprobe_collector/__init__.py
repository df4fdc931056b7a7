"""The collector: takes what agents send, attaches it to cases, shows it to staff."""
