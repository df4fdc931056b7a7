"""End this machine's enrolment: stop the agent and forget its key. What it has not sent yet is kept unless --purge.

Support sees the machine as offline from then on; they can remove it on their side.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from caseprobe.errors import NotFound, UsageError
from caseprobe_agent.app.leaving import leave
from caseprobe_agent.cli import options
from caseprobe_agent.identity import load

SUMMARY = "end the enrolment of this machine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `leave`."""
    parser.add_argument(
        "--purge", action="store_true", help="also delete everything that the agent keeps, audit included"
    )
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Leave; gives the exit code."""
    settings = options.settings_of_agent()
    if load(settings.state_folder) is None and not arguments.purge:
        raise UsageError("this machine is not enrolled")
    try:
        removed = asyncio.run(leave(settings, arguments.purge))
    except NotFound as error:
        raise UsageError(str(error)) from None
    if arguments.json:
        print(json.dumps({"left": True, "removed": removed}))
    else:
        print("This machine is no longer enrolled.", file=sys.stdout)
    return 0
