"""Timetables: which are due, and the tick that runs them, online or not."""

from caseprobe_agent.schedule.timetable import Timetable

__all__ = ["Timetable"]
