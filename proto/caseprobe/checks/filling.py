"""Filesystems over time: when they will be full, room that deleted files hold, mounts that are missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caseprobe.checks.check import Check, Context, NoPast, NotApplicable
from caseprobe.checks.evidence import prove, stated
from caseprobe.checks.filesystem import writable
from caseprobe.checks.levels import CRITICAL, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2

FULL = Levels("full_in_seconds", warn=24 * 3600.0, critical=4 * 3600.0, below=True)
# A forecast for a filesystem with much room is of no use to anybody, however fast it fills right now.
ROOM_WARN, ROOM_CRITICAL = 0.40, 0.20
SHORTEST_SECONDS, WINDOW_SECONDS = 3600.0, 12 * 3600.0
HELD = Levels("held_ratio", warn=0.10)
FSTAB = "/etc/fstab"

Point = tuple[float, float]


def slope(points: Sequence[Point]) -> float:
    """Least squares slope of (time, value) points; 0 where they have no width.

    >>> slope([(0, 1), (1, 3), (2, 5)])
    2.0
    """
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    width = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / width if width else 0.0


def judge_fill(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """When a filesystem will be full if it goes on filling as it did, from earlier snapshots of this machine.

    A straight line through what was used over the last hours; a burst that has ended does not count. Room that is
    plentiful is not worth a forecast.
    """
    if not any(past.elapsed_seconds >= SHORTEST_SECONDS for past in context.history):
        raise NoPast("needs an earlier snapshot of this machine, at least an hour old")
    for filesystem in writable(section):
        points = _points(filesystem, context)
        usable = filesystem.used_bytes + filesystem.available_bytes
        if not points or not usable or (speed := _speed(points)) <= 0:
            continue
        seconds, room = filesystem.available_bytes / speed, filesystem.available_bytes / usable
        reached = context.levels(FULL, filesystem.mount_point).reached(seconds)
        if reached and room < (ROOM_CRITICAL if reached.state == CRITICAL else ROOM_WARN):
            yield _filling(section, filesystem, reached, seconds, speed, points)


def _points(filesystem: section_pb2.Filesystem, context: Context) -> list[Point]:
    """Seconds before now and bytes used, newest first, now included; empty where no earlier one is old enough."""
    found: list[Point] = [(0.0, float(filesystem.used_bytes))]
    for past in context.history:
        long_enough = -found[-1][0] >= SHORTEST_SECONDS
        if past.elapsed_seconds <= 0 or (long_enough and past.elapsed_seconds > WINDOW_SECONDS):
            continue
        for old in past.section.filesystems.filesystems:
            same = old.mount_point == filesystem.mount_point and old.device == filesystem.device
            if same and old.measured and old.total_bytes == filesystem.total_bytes:
                found.append((-past.elapsed_seconds, float(old.used_bytes)))
    return found if -found[-1][0] >= SHORTEST_SECONDS else []


def _speed(points: Sequence[Point]) -> float:
    """Bytes a second over the whole time, or since about its middle where it slowed down."""
    recent = [point for point in points if point[0] >= points[-1][0] / 2]
    return min(slope(points), slope(recent)) if len(recent) > 1 else slope(points)


def _filling(
    section: section_pb2.Section,
    filesystem: section_pb2.Filesystem,
    reached: Reached,
    seconds: float,
    speed: float,
    points: Sequence[Point],
) -> finding_pb2.Finding:
    growth = {"full_in_seconds": seconds, "growth_bytes_per_second": speed}
    sizes = {"available_bytes": filesystem.available_bytes, "total_bytes": filesystem.total_bytes}
    evidence = [
        stated(section, mount_point=filesystem.mount_point, used_bytes=used, seconds_ago=-at) for at, used in points
    ]
    found = fault(reached, finding_pb2.CAUSE_HOST, {**growth, **sizes}, evidence[:10], filesystem.mount_point)
    found.kind = finding_pb2.FINDING_KIND_TREND
    return found


def judge_deleted(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Room that deleted files still hold because a process keeps them open.

    No folder shows it: df says full, du does not find it. It is given back when the process closes the file or ends;
    typically a log that was removed while its writer went on.
    """
    for held in section.deleted_files.held:
        if not held.total_bytes:
            continue
        ratio = held.held_bytes / held.total_bytes
        if reached := context.levels(HELD, held.mount_point).reached(ratio):
            evidence = [
                stated(section, pid=one.pid, process=one.process, path=one.path, size_bytes=one.size_bytes)
                for one in held.files
            ]
            first = held.files[0].process if held.files else ""
            parameters: dict[str, float | str] = {
                "held_ratio": ratio,
                "held_bytes": held.held_bytes,
                "process": first or "-",
            }
            yield fault(reached, finding_pb2.CAUSE_SOFTWARE, parameters, evidence, held.mount_point)


def judge_missing(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Filesystems that fstab mounts at start and that are not mounted now.

    Programs then write into the empty folder below, onto the wrong disk. Where the device itself is gone, a disk,
    cable or server is missing; entries with noauto, nofail or x-systemd.automount may be absent and are left out, and
    so are devices in a container, which mounts none.
    """
    if not section.filesystems.expected:
        raise NotApplicable("fstab of this machine mounts nothing")
    for one in section.filesystems.expected:
        if one.mounted:
            continue
        gone = one.HasField("device_present") and not one.device_present
        evidence = prove(section, FSTAB, (one.device, one.mount_point), device=one.device, mount_point=one.mount_point)
        reached = Reached(CRITICAL, "in fstab and not mounted" + (", device absent" if gone else ""))
        cause = finding_pb2.CAUSE_DISK if gone else finding_pb2.CAUSE_CONFIGURATION
        yield fault(reached, cause, {"device": one.device}, evidence, one.mount_point, "gone" if gone else "unmounted")


ALL = (
    Check(
        id="disk.fill",
        judge=judge_fill,
        reads="filesystems",
        levels=(FULL,),
        threshold=(
            f"{FULL}; only where less than {ROOM_WARN:.0%} (warn) or {ROOM_CRITICAL:.0%} (critical) is available"
        ),
        threshold_source="node-mixin NodeFilesystemSpaceFillingUp (24 h below 40 %, 4 h below 20 %, over 6 h)",
    ),
    Check(
        id="disk.deleted",
        judge=judge_deleted,
        reads="deleted_files",
        fields=("held",),
        levels=(HELD,),
        threshold=f"{HELD} of the filesystem's size",
        threshold_source="own level",
    ),
    Check(
        id="disk.missing",
        judge=judge_missing,
        reads="filesystems",
        fields=("fstab_writable",),
        threshold="critical: in fstab (without noauto, nofail, x-systemd.automount) and not mounted",
        threshold_source="own; fstab(5), systemd.mount(5) for what is mounted at start",
    ),
)
