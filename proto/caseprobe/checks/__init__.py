"""The checks: pure functions over sections, each with its threshold and source."""
