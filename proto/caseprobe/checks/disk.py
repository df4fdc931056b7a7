"""Disks: how long they take, how long tasks wait for them, and whether arrays are whole."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks import pressure
from caseprobe.checks.check import Check, Context, NotApplicable
from caseprobe.checks.evidence import prove
from caseprobe.checks.levels import CRITICAL, INFO, WARN, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2

STALLED = Levels("full_avg60_ratio", warn=0.20, critical=0.60)
# A virtual disk lies on storage that nobody here knows: it is given the patience of a spinning one.
AWAIT = {
    "hdd": Levels("await_seconds", warn=0.050, critical=0.200),
    "ssd": Levels("await_seconds", warn=0.020, critical=0.100),
    "nvme": Levels("await_seconds", warn=0.010, critical=0.050),
}
# The mean of a handful of requests is chance.
FEW_REQUESTS = 20


def judge_await(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Mean time of a request, by kind of disk, at the moment of measuring and since boot.

    A disk that became slow is often one that retries; look at its errors before blaming the load.
    """
    if not section.disks.disks:
        raise NotApplicable("this machine has no disk of its own")
    for disk in section.disks.disks:
        levels = context.levels(AWAIT.get(disk.kind, AWAIT["hdd"]), disk.name)
        now = disk.await_seconds if _requests(section, disk) >= FEW_REQUESTS else 0.0
        since_boot = disk.boot_await_seconds if disk.reads_total + disk.writes_total >= FEW_REQUESTS else 0.0
        if reached := levels.lasting(now, since_boot, clear=levels.warn or 0.0):
            times = {"await_seconds": now or since_boot, "boot_await_seconds": disk.boot_await_seconds}
            evidence = prove(section, "/proc/diskstats", (disk.name,), disk=disk.name, **times)
            yield fault(reached, finding_pb2.CAUSE_DISK, {"kind": disk.kind, **times}, evidence, subject=disk.name)


def _requests(section: section_pb2.Section, disk: section_pb2.Disk) -> float:
    return (disk.reads_per_second + disk.writes_per_second) * section.disks.sample_seconds


def judge_stalled(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Share of the last minute in which all tasks stood still for a disk.

    This is what users feel as freezing, whichever disk it is.
    """
    if not section.disks.HasField("pressure"):
        raise NotApplicable("this machine does not report input/output pressure (PSI)")
    value = section.disks.pressure.full_avg60_ratio
    yield from pressure.judge_pressure(section, context.levels(STALLED), value, "io", finding_pb2.CAUSE_DISK)


def judge_arrays(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Software RAID arrays that lack a member, have a failed one, or are being rebuilt.

    A degraded array works on, without protection: the next disk that fails takes the data along.
    """
    if not section.disks.arrays:
        raise NotApplicable("this machine has no software RAID array")
    for array in section.disks.arrays:
        if found := _array_state(array):
            reached, message_id = found
            parameters: dict[str, float | str] = {
                "level": array.level,
                "members_active": array.members_active,
                "members_total": array.members_total,
                "failed": ", ".join(array.failed_members),
            }
            if array.HasField("recovery_ratio"):
                parameters["recovery_ratio"] = array.recovery_ratio
            evidence = prove(section, "/proc/mdstat", (array.name,), array=array.name, **parameters)
            yield fault(reached, finding_pb2.CAUSE_DISK, parameters, evidence, array.name, message_id)


def _array_state(array: section_pb2.Array) -> tuple[Reached, str] | None:
    rebuilding = array.HasField("recovery_ratio")
    if array.members_active < array.members_total:
        return Reached(CRITICAL, "members_active < members_total"), "rebuilding" if rebuilding else "degraded"
    if array.failed_members:
        return Reached(WARN, "a member is marked failed"), "failed_member"
    return (Reached(INFO, "recovery_ratio < 1"), "resync") if rebuilding else None


ALL = (
    Check(
        id="disk.await",
        judge=judge_await,
        reads="disks",
        levels=tuple(AWAIT.values()),
        fields=("disks",),
        threshold="; ".join(f"{kind}: {levels}" for kind, levels in AWAIT.items())
        + f"; as a remark where only the moment of measuring (from {FEW_REQUESTS} requests) was past it",
        threshold_source="own levels",
    ),
    Check(
        id="disk.psi",
        judge=judge_stalled,
        reads="disks",
        levels=(STALLED,),
        fields=("pressure",),
        threshold=str(STALLED),
        threshold_source=f"own levels; {pressure.SOURCE}",
    ),
    Check(
        id="raid.md",
        judge=judge_arrays,
        reads="disks",
        fields=("arrays",),
        threshold="critical: members_active < members_total; warn: a member is marked failed; info: recovery_ratio < 1",
        threshold_source="node-mixin NodeRAIDDegraded and NodeRAIDDiskFailure; netdata mdstat.conf",
    ),
)
