"""Mark this moment in the machine's log: once before you reproduce a problem, once after it.

`caseprobe bundle --marked` then takes what the logs hold between the two. A mark is kept where no log daemon listens,
too. What you write is text like any other of the log: it passes the redaction before it leaves.
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import datetime

from caseprobe_agent.app import marks
from caseprobe_agent.cli import options
from caseprobe_agent.machine.log_socket import write_line

SUMMARY = "mark a moment in the log, before and after you reproduce a problem"
BUNDLE = "caseprobe bundle --marked"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `mark`."""
    parser.add_argument("text", nargs="?", default="", metavar="TEXT", help="what you are about to do, or what you saw")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--begin", dest="kind", action="store_const", const=marks.BEGIN, help="what follows matters")
    kinds.add_argument("--end", dest="kind", action="store_const", const=marks.END, help="what matters has happened")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Set a mark; gives the exit code."""
    kept = marks.Marks(options.settings_of().state_folder)
    kind = arguments.kind or kept.next_kind(time.time())
    mark = marks.mark_now(kind, arguments.text)
    kept.add(mark)
    log = write_line(mark.line(), mark.at)
    at = datetime.fromtimestamp(mark.at).astimezone()
    ended = kind == marks.END and len(kept.all()) > 1
    if arguments.json:
        print(json.dumps({"kind": kind, "text": mark.text, "at": at.isoformat(), "log": log, "bundle": BUNDLE * ended}))
        return 0
    where = f"in {log}" if log else "kept by caseprobe, since no log daemon listens"
    print(f"{kind} marked at {at:%H:%M:%S %Z}, {where}")
    print(f"Now: {BUNDLE}" if ended else "Now reproduce the problem, then: caseprobe mark --end")
    return 0
