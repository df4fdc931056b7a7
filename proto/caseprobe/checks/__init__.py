"""The checks: pure functions over sections, each with its threshold and source."""

from __future__ import annotations

from collections.abc import Sequence

from caseprobe.checks import (
    board,
    certificate,
    cgroup,
    cpu,
    crash,
    disk,
    filesystem,
    filling,
    hardware,
    log,
    log_anomaly,
    memory,
    network,
    process,
    processor,
    queueing,
    reach,
    recorded,
    resolver,
    service,
    smart,
    sockets,
    system,
    timekeeping,
    tunnels,
    volumes,
    wireless,
)
from caseprobe.checks.check import Check
from caseprobe.checks.judgement import judge_snapshot, worst
from caseprobe.overrides import NONE, Overrides
from caseprobe.v1 import finding_pb2, snapshot_pb2

__all__ = ["ALL", "Check", "check_snapshot", "worst"]

ALL: tuple[Check, ...] = (
    *system.ALL,
    *crash.ALL,
    *timekeeping.ALL,
    *cpu.ALL,
    *processor.ALL,
    *memory.ALL,
    *cgroup.ALL,
    *filesystem.ALL,
    *filling.ALL,
    *disk.ALL,
    *volumes.ALL,
    *smart.ALL,
    *hardware.ALL,
    *board.ALL,
    *network.ALL,
    *sockets.ALL,
    *wireless.ALL,
    *tunnels.ALL,
    *resolver.ALL,
    *reach.ALL,
    *queueing.ALL,
    *certificate.ALL,
    *process.ALL,
    *recorded.ALL,
    *service.ALL,
    *log.ALL,
    *log_anomaly.ALL,
)


def check_snapshot(
    snapshot: snapshot_pb2.Snapshot,
    checks: Sequence[Check] = ALL,
    *,
    previous: snapshot_pb2.Snapshot | None = None,
    earlier: Sequence[snapshot_pb2.Snapshot] = (),
    overrides: Overrides = NONE,
) -> tuple[list[finding_pb2.Finding], list[finding_pb2.Coverage]]:
    """Findings, worst first, and what became of each check; neither is written into the snapshot.

    previous: the snapshot of this machine that growth is measured against and levels are held by; earlier: what is
    kept of those before it, newest first, for trends (where previous is not given, the best of them takes its place).

    Pure and total: a section that makes no sense ends as an unknown check with its reason, never as an error.
    """
    given = [previous] if previous is not None else []
    return judge_snapshot(snapshot, checks, [*given, *earlier], overrides)
