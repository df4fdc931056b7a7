"""Reports of disks as input: smartctl and nvme-cli, text or JSON, written wherever and whenever."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from caseprobe.errors import Corrupt, UsageError
from caseprobe.v1 import section_pb2, snapshot_pb2
from caseprobe_agent.cli import options
from caseprobe_agent.cli.options import Given

PROBE = "smart"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--smartctl-report and the report before it."""
    parser.add_argument(
        "--smartctl-report",
        type=Path,
        nargs="+",
        action="extend",
        metavar="FILE",
        help="judge these reports of disks (smartctl -x or nvme smart-log, text or JSON)",
    )
    parser.add_argument(
        "--previous-report",
        type=Path,
        metavar="FILE",
        help="an earlier report of the same disk: judge what grew since",
    )


def given(arguments: argparse.Namespace) -> Iterator[Given]:
    """Every report that was given, in order."""
    if arguments.previous_report and len(arguments.smartctl_report or ()) != 1:
        raise UsageError("--previous-report goes with exactly one --smartctl-report")
    for path in arguments.smartctl_report or ():
        yield Given(str(path), lambda path=path: snapshot_of(path))  # type: ignore[misc]


def snapshot_of(path: Path) -> snapshot_pb2.Snapshot:
    """A snapshot with the one disk that a report is about; raises UsageError or Corrupt with the reason."""
    from caseprobe.parse.smart import parse_report

    text = options.read_file(path).decode("utf-8", "replace")
    try:
        disk = parse_report(text, path.name, str(path))
    except ValueError as error:
        raise Corrupt(f"{path}: {error}; give the output of smartctl -x or nvme smart-log") from error
    section = section_pb2.Section(probe=PROBE, outcome=section_pb2.PROBE_OUTCOME_OK)
    section.smart.disks.append(disk)
    return snapshot_pb2.Snapshot(sections=[section])
