"""Collector, one agent and a case on this machine in one command, to look at; Ctrl-C ends it and leaves nothing."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import signal
import sys
from types import FrameType

from caseprobe.errors import UsageError

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SUMMARY = "collector, agent and a case on this machine, to look at"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `demo`."""
    parser.add_argument("--once", action="store_true", help="play all three flows, print the case, end")
    parser.add_argument("--json", action="store_true", help="print the case as one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Play the demo; gives the exit code."""
    if importlib.util.find_spec("fastapi") is None:
        raise UsageError("the demo needs the collector: pip install 'caseprobe[collector]'")
    from caseprobe_agent import demo

    for number in ENDS:
        signal.signal(number, _end)
    with demo.staged(_say) as (stage, case_id):
        if arguments.once or arguments.json:
            _print_case(demo.case_document(stage, case_id), arguments.json)
            return 0
        print(f"\n  console   {stage.console}/cases/{case_id}")
        print(f"  login     demo  {stage.password}")
        print(f"\n  To send another bundle of this machine (or of any that reaches it):\n"
              f"  caseprobe bundle --to {stage.bundle_code(case_id)}\n")  # fmt: skip
        print("  Ctrl-C ends all of it and leaves nothing behind.", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                signal.pause()
    return 0


def _end(_number: int, _frame: FrameType | None) -> None:
    """Leave what goes on, once: a further signal must not stop the tidying up."""
    for number in ENDS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _print_case(document: dict[str, object], as_json: bool) -> None:
    if as_json:
        print(json.dumps(document, indent=2))
        return
    print(f"{document['case_id']}  {document['title']}")
    for snapshot in document["snapshots"]:  # type: ignore[attr-defined]
        print(f"  snapshot {snapshot['snapshot_id']}  {snapshot['profile']}  {len(snapshot['findings'])} findings")
    for session in document["sessions"]:  # type: ignore[attr-defined]
        print(f"  session  {session['session_id']}  {session['action']}  {session['state']}")
