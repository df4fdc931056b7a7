"""Builds everything: the only place where settings, machine, keys, flows and the outside world meet."""
