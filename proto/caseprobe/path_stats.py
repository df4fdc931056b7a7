"""Rounds of a path probe to loss, times and a verdict."""
