"""Timetables: which are due, and the tick that runs them, online or not."""
