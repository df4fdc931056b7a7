"""The checks: pure functions over sections, each with its threshold and source."""

from __future__ import annotations

from collections.abc import Sequence

from caseprobe.checks import cpu, disk, filesystem, hardware, log, memory, network, process, sockets, system
from caseprobe.checks.check import Check
from caseprobe.checks.judgement import judge_snapshot, worst
from caseprobe.v1 import finding_pb2, snapshot_pb2

__all__ = ["ALL", "Check", "check_snapshot", "worst"]

ALL: tuple[Check, ...] = (
    *system.ALL,
    *cpu.ALL,
    *memory.ALL,
    *filesystem.ALL,
    *disk.ALL,
    *hardware.ALL,
    *network.ALL,
    *sockets.ALL,
    *process.ALL,
    *log.ALL,
)


def check_snapshot(
    snapshot: snapshot_pb2.Snapshot, checks: Sequence[Check] = ALL
) -> tuple[list[finding_pb2.Finding], list[finding_pb2.Coverage]]:
    """Findings, worst first, and what became of each check; neither is written into the snapshot.

    Pure and total: a section that makes no sense ends as an unknown check with its reason, never as an error.
    """
    return judge_snapshot(snapshot, checks)
