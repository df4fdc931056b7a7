"""The time that logs are wanted of, from the options of the call."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

from caseprobe.errors import UsageError
from caseprobe.v1 import snapshot_pb2
from caseprobe_agent.cli.moments import window

MARKS = "marks"


def wanted(arguments: argparse.Namespace, state_folder: Path, now: datetime) -> snapshot_pb2.TimeWindow | None:
    """What --from, --to-time and --marked mean; None where none of them is given. Raises UsageError."""
    if arguments.marked and (arguments.begin or arguments.end):
        raise UsageError("--marked is a time already: leave --from and --to-time out, or give them without --marked")
    if arguments.marked:
        return _marked(state_folder)
    found = window(arguments.begin, arguments.end, now)
    return None if found is None else _message(found.from_at, found.to_at)


def told(found: snapshot_pb2.TimeWindow) -> str:
    """The window in words, in the reader's own zone."""
    begin, end = (datetime.fromtimestamp(at.ToMilliseconds() / 1e3).astimezone() for at in (found.from_at, found.to_at))
    between = "between two marks, " if found.origin == MARKS else ""
    return f"{between}{begin:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S %Z}; lines outside the window were not read"


def _marked(state_folder: Path) -> snapshot_pb2.TimeWindow:
    from caseprobe_agent.app.marks import Marks, mark_now

    marked = Marks(state_folder).marked(mark_now)
    found = _message(marked.from_at, marked.to_at)
    found.origin, found.from_text, found.to_text = MARKS, marked.from_text, marked.to_text
    return found


def _message(from_at: float, to_at: float) -> snapshot_pb2.TimeWindow:
    found = snapshot_pb2.TimeWindow()
    found.from_at.FromMilliseconds(round(from_at * 1e3))
    found.to_at.FromMilliseconds(round(to_at * 1e3))
    return found
