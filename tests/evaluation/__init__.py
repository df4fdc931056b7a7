"""Programs that print how good the judging is, on data with known answers."""
