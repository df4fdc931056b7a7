"""Disks: how long they take, how long tasks wait for them, and whether arrays are whole."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks import pressure
from caseprobe.checks.check import Check, Context, NoPast, NotApplicable, Past
from caseprobe.checks.evidence import prove
from caseprobe.checks.growth import gained, same, window
from caseprobe.checks.levels import CRITICAL, INFO, WARN, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2

STALLED = Levels("full_avg60_ratio", warn=0.20, critical=0.60)
# A virtual disk lies on storage that nobody here knows: it is given the patience of a spinning one.
AWAIT = {
    "hdd": Levels("await_seconds", warn=0.050, critical=0.200),
    "ssd": Levels("await_seconds", warn=0.020, critical=0.100),
    "nvme": Levels("await_seconds", warn=0.010, critical=0.050),
}
BUSY = Levels("busy_ratio", warn=0.98, clear_warn=0.69)
QUEUE = Levels("queue_length", warn=10.0)
BUSY_SECONDS, QUEUE_SECONDS = 600.0, 1800.0
MISMATCHES = Levels("mismatches_total", warn=1025.0)
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
    # What firmware RAID keeps its description in shows as an array that is never active.
    if array.state in ("inactive", "broken") and not array.metadata.startswith("external:"):
        return Reached(CRITICAL, f"state is {array.state}"), "stopped"
    rebuilding = array.HasField("recovery_ratio")
    if array.members_active < array.members_total:
        return Reached(CRITICAL, "members_active < members_total"), "rebuilding" if rebuilding else "degraded"
    if array.failed_members:
        return Reached(WARN, "a member is marked failed"), "failed_member"
    return (Reached(INFO, "recovery_ratio < 1"), "resync") if rebuilding else None


def judge_mismatches(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Sectors that differed between the members of an array when they were last compared.

    With parity the members must agree: where they do not, one of them has the wrong data and nobody knows which.
    Mirrors are left out, because memory that changes while it is written (swap) leaves harmless differences there.
    """
    arrays = [array for array in section.disks.arrays if array.level.startswith("raid") and array.level not in _MIRRORS]
    if not any(array.HasField("mismatches_total") for array in arrays):
        raise NotApplicable("this machine has no software RAID array with parity that was compared")
    for array in arrays:
        levels = context.levels(MISMATCHES, array.name)
        if array.HasField("mismatches_total") and (reached := levels.reached(array.mismatches_total)):
            counts: dict[str, float | str] = {"mismatches_total": array.mismatches_total, "level": array.level}
            evidence = prove(section, f"/sys/block/{array.name}/md/mismatch_cnt", (), array=array.name, **counts)
            yield fault(reached, finding_pb2.CAUSE_DISK, counts, evidence, array.name)


_MIRRORS = ("raid0", "raid1", "raid10")


def judge_busy(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Share of time in which a spinning disk was never idle, since an earlier snapshot.

    A disk with one arm that is always busy makes everybody wait. Disks that work on many requests at once are busy
    all the time without being full, so they are not judged by this.
    """
    spinning = [disk for disk in section.disks.disks if disk.kind == "hdd"]
    if not spinning:
        raise NotApplicable("this machine has no spinning disk")
    past = _window(context, BUSY_SECONDS)
    for disk in spinning:
        if (before := same(past.section.disks.disks, disk.name)) is None:
            continue
        ratio = gained(disk.busy_seconds_total, before.busy_seconds_total) / past.elapsed_seconds
        if reached := context.levels(BUSY, disk.name).reached(min(ratio, 1.0)):
            parameters = {"busy_ratio": min(ratio, 1.0), "over_seconds": past.elapsed_seconds}
            evidence = prove(section, "/proc/diskstats", (disk.name,), disk=disk.name, **parameters)
            yield fault(reached, finding_pb2.CAUSE_HOST, parameters, evidence, disk.name)


def judge_queue(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Requests that waited or were worked on, on average since an earlier snapshot, where they also took long.

    A queue that stays long for half an hour means that more is asked of the disk than it can do. One that works on
    many requests at once, and is quick with each, is busy and well.
    """
    if not section.disks.disks:
        raise NotApplicable("this machine has no disk of its own")
    past = _window(context, QUEUE_SECONDS)
    for disk in section.disks.disks:
        if (before := same(past.section.disks.disks, disk.name)) is None:
            continue
        waited = gained(disk.weighted_seconds_total, before.weighted_seconds_total)
        requests = gained(disk.reads_total, before.reads_total) + gained(disk.writes_total, before.writes_total)
        length, each = waited / past.elapsed_seconds, waited / max(requests, 1.0)
        slow = AWAIT.get(disk.kind, AWAIT["hdd"]).reached(each)
        if slow and (reached := context.levels(QUEUE, disk.name).reached(length)):
            reached = Reached(reached.state, f"{reached.threshold} and {slow.threshold}", reached.source)
            parameters = {"queue_length": length, "await_seconds": each, "over_seconds": past.elapsed_seconds}
            evidence = prove(section, "/proc/diskstats", (disk.name,), disk=disk.name, **parameters)
            yield fault(reached, finding_pb2.CAUSE_HOST, parameters, evidence, disk.name)


def _window(context: Context, seconds: float) -> Past:
    past = window(context, seconds)
    if past is None:
        raise NoPast(f"needs an earlier snapshot since this machine started, at least {seconds / 60:.0f} minutes old")
    return past


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
        id="disk.util",
        judge=judge_busy,
        reads="disks",
        fields=("disks",),
        levels=(BUSY,),
        threshold=f"{BUSY}, over {BUSY_SECONDS / 60:.0f} minutes or more; spinning disks only",
        threshold_source="netdata disks.conf 10min_disk_utilization (98 %, clears at 68.6 %)",
    ),
    Check(
        id="disk.queue",
        judge=judge_queue,
        reads="disks",
        fields=("disks",),
        levels=(QUEUE,),
        threshold=f"{QUEUE}, over {QUEUE_SECONDS / 60:.0f} minutes or more, where each took disk.await's warn level",
        threshold_source="node-mixin NodeDiskIOSaturation (10, for 30 minutes); own level of the time",
    ),
    Check(
        id="raid.mismatch",
        judge=judge_mismatches,
        reads="disks",
        fields=("arrays", "mismatches_total"),
        levels=(MISMATCHES,),
        threshold=f"{MISMATCHES}; raid1 and raid10 are left out",
        threshold_source="netdata mdstat.conf mdstat_mismatch_cnt (1024); md(4) for mirrors with swap",
    ),
    Check(
        id="raid.md",
        judge=judge_arrays,
        reads="disks",
        fields=("arrays",),
        threshold=(
            "critical: members_active < members_total, or state is inactive or broken; "
            "warn: a member is marked failed; info: recovery_ratio < 1"
        ),
        threshold_source="node-mixin NodeRAIDDegraded and NodeRAIDDiskFailure; netdata mdstat.conf",
    ),
)
