"""Reports of disks as input: smartctl and nvme-cli, text or JSON, written wherever and whenever."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from caseprobe.errors import UsageError
from caseprobe.v1 import section_pb2, snapshot_pb2
from caseprobe_agent.cli.options import Given

PROBE = "smart"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--smartctl-report."""
    parser.add_argument(
        "--smartctl-report",
        type=Path,
        nargs="+",
        action="extend",
        metavar="FILE",
        help="judge these reports of disks (smartctl -x or nvme smart-log, text or JSON)",
    )


def given(arguments: argparse.Namespace) -> Iterator[Given]:
    """Every report that was given, in order."""
    for path in arguments.smartctl_report or ():
        yield Given(str(path), lambda path=path: snapshot_of(path), partial=True)  # type: ignore[misc]


def earlier(arguments: argparse.Namespace) -> snapshot_pb2.Snapshot:
    """The earlier report of the disk whose report was given; raises UsageError where there are several."""
    if len(arguments.smartctl_report) != 1:
        raise UsageError("--previous is the report of one disk: give it with one --smartctl-report")
    return snapshot_of(arguments.previous)


def snapshot_of(path: Path) -> snapshot_pb2.Snapshot:
    """A snapshot with the one disk that a report is about; what is no report is a section that failed, with why.

    Raises UsageError where the file cannot be read.
    """
    from caseprobe.parse.smart import LONGEST_REPORT, parse_report

    section = section_pb2.Section(probe=PROBE, outcome=section_pb2.PROBE_OUTCOME_OK)
    text = _read(path, LONGEST_REPORT)
    try:
        section.smart.disks.append(parse_report(text, path.name, str(path)))
    except ValueError as error:
        section.outcome, section.reason = section_pb2.PROBE_OUTCOME_FAILED, f"{path}: {error}"
    return snapshot_pb2.Snapshot(sections=[section])


def _read(path: Path, most: int) -> str:
    """The text of a file, one byte longer than it may be where it is too long."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    # What Windows PowerShell writes by ">" is UTF-16.
    return data.decode("utf-16" if data.startswith(UTF_16) else "utf-8", "replace")
