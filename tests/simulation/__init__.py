"""Agents and their collector in one process: every clock, disk and wire simulated, one seed replays one run."""
