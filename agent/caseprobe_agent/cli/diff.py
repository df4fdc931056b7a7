"""What changed on a machine between two bundles: packages, kernel, units, links, disks, routes, mounts, counters."""

from __future__ import annotations

import argparse
import io
import json
import sys
from datetime import UTC
from itertools import islice
from pathlib import Path

from caseprobe import texts
from caseprobe.bundle import BundleReader
from caseprobe.diff import compare
from caseprobe.errors import UsageError
from caseprobe.v1 import snapshot_pb2
from caseprobe_agent.cli import options
from caseprobe_agent.cli.screen import Screen

SUMMARY = "what changed between two bundles of one machine"
SHOWN = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `diff`."""
    parser.add_argument("before", type=Path, metavar="A", help="the earlier bundle")
    parser.add_argument("after", type=Path, metavar="B", help="the later bundle")
    parser.add_argument("--all", action="store_true", help=f"print every change, not the first {SHOWN}")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the changes, what matters most first; gives the exit code."""
    before, after = (_snapshot(path) for path in (arguments.before, arguments.after))
    if before.agent_id and after.agent_id and before.agent_id != after.agent_id:
        raise UsageError(f"the bundles are of two machines ({before.agent_id}, {after.agent_id}); give two of one")
    changes = compare(before, after)
    if arguments.json:
        sides = {"before": _about(before), "after": _about(after)}
        listed = [texts.change_json(change) for change in changes]
        print(json.dumps({**sides, "seconds": _seconds(before, after), "changes": listed}, ensure_ascii=False))
        return 0
    screen = Screen(sys.stdout)
    screen.line(f"{_taken(before)} → {_taken(after)}", "bold")
    for change in islice(changes, None if arguments.all else SHOWN):
        screen.line(texts.change_sentence(change), indent=2)
    left = len(changes) - SHOWN
    if left > 0 and not arguments.all:
        screen.line(f"… and {left} more (--all)", "dim", indent=2)
    if not changes:
        screen.line("nothing that is measured in both has changed", indent=2)
    return 0


def _snapshot(path: Path) -> snapshot_pb2.Snapshot:
    return BundleReader(io.BytesIO(options.read_file(path))).snapshot()


def _about(snapshot: snapshot_pb2.Snapshot) -> dict[str, str]:
    return {
        "snapshot_id": snapshot.snapshot_id,
        "agent_id": snapshot.agent_id,
        "profile": snapshot.profile,
        "started_at": snapshot.started_at.ToJsonString(),
    }


def _taken(snapshot: snapshot_pb2.Snapshot) -> str:
    return f"{snapshot.started_at.ToDatetime(tzinfo=UTC):%Y-%m-%d %H:%M} UTC"


def _seconds(before: snapshot_pb2.Snapshot, after: snapshot_pb2.Snapshot) -> float:
    return (after.started_at.ToMicroseconds() - before.started_at.ToMicroseconds()) / 1e6
