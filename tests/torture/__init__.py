"""Real torture: real processes, real faults, and an oracle beside them that knows what was promised."""
