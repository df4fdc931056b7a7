"""Measurements: each figure beside its floor or a peer of the same run. Never part of the test suite."""
