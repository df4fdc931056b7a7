"""Filesystems: room left, and whether they can still be written."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks.check import DARWIN, WINDOWS, Check, Context, Unknown
from caseprobe.checks.evidence import prove, quote, stated
from caseprobe.checks.levels import CRITICAL, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2

GIB = 1 << 30
SPACE_WARN, SPACE_CRITICAL = 0.80, 0.90
# Checkmk's size factor: twenty times the space means only eleven times the files, so a level in percent
# moves up with the size. Below the norm it would warn on a half-full /boot, so there it stays.
NORM_BYTES = 20 * GIB
MAGIC = 0.8
# A big filesystem at 95 % still has room for days: critical needs little room in bytes as well.
BIG_BYTES, LITTLE_BYTES = 50 * GIB, 5 * GIB
INODES = Levels("inodes_available_ratio", warn=0.10, critical=0.05, below=True)
MOUNTS = "/proc/self/mountinfo"
# Full by design.
IMAGES = frozenset({"squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs"})
# What containers run on: their room is that of a filesystem which is listed itself, unless it is all that there is.
LAYERS = frozenset({"overlay", "aufs", "fuse.fuse-overlayfs"})


def space_levels(total_bytes: int) -> Levels:
    """Levels of used_ratio for a filesystem of this size.

    >>> str(space_levels(20 * GIB))
    'warn: used_ratio >= 0.8; critical: used_ratio >= 0.9'
    >>> str(space_levels(1000 * GIB))
    'warn: used_ratio >= 0.909; critical: used_ratio >= 0.954'
    """
    scale = max(total_bytes / NORM_BYTES, 1.0) ** (MAGIC - 1.0)
    warn, critical = (round(1.0 - (1.0 - level) * scale, 3) for level in (SPACE_WARN, SPACE_CRITICAL))
    return Levels("used_ratio", warn=warn, critical=critical)


def writable(section: section_pb2.Section) -> Iterator[section_pb2.Filesystem]:
    """Measured filesystems that can fill up, those that share one room once: one full disk is one finding."""
    shared: dict[tuple[str, int], section_pb2.Filesystem] = {}
    for filesystem in section.filesystems.filesystems:
        layer = filesystem.type in LAYERS and filesystem.mount_point != "/"
        if not filesystem.measured or filesystem.read_only or filesystem.type in IMAGES or layer:
            continue
        room = _room(filesystem)
        known = shared.setdefault(room, filesystem)
        # Of the datasets of a pool the one that holds most is told.
        if filesystem.type == "zfs" and filesystem.used_bytes > known.used_bytes:
            shared[room] = filesystem
    yield from shared.values()


def _room(filesystem: section_pb2.Filesystem) -> tuple[str, int]:
    """Names what a filesystem's files are in: a device, of ZFS the pool (or a quota), else the mount itself."""
    if filesystem.device.startswith("/dev/"):
        return filesystem.device, 0
    if filesystem.type == "zfs":
        # Without a quota all datasets of a pool have the same room left.
        return filesystem.device.partition("/")[0], filesystem.available_bytes
    return filesystem.mount_point, 0


def _unmeasured(section: section_pb2.Section) -> None:
    """Raises Unknown where a filesystem did not answer, with the first one's reason."""
    silent = [filesystem for filesystem in section.filesystems.filesystems if not filesystem.measured]
    if silent:
        total = len(section.filesystems.filesystems)
        first = f"{silent[0].mount_point}: {silent[0].reason or 'no answer'}"
        raise Unknown(f"{len(silent)} of {total} filesystems could not be read ({first})")


def judge_space(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Room left on each filesystem, with levels that move up with its size.

    A full filesystem stops databases, logs and logins. The share is df's: used against what an unprivileged
    user could use. Read-only images (squashfs, iso9660 …) are full by design and left out; bind mounts, subvolumes,
    datasets of one pool and containers' layers share the room of one filesystem and are told once.
    """
    for filesystem in writable(section):
        usable = filesystem.used_bytes + filesystem.available_bytes
        if usable and (reached := _space_reached(context, filesystem, filesystem.used_bytes / usable)):
            yield _space_fault(section, filesystem, reached, filesystem.used_bytes / usable)
    _unmeasured(section)


def _space_reached(context: Context, filesystem: section_pb2.Filesystem, ratio: float) -> Reached | None:
    shipped = space_levels(filesystem.total_bytes)
    roomy = filesystem.total_bytes > BIG_BYTES and filesystem.available_bytes >= LITTLE_BYTES
    levels = Levels("used_ratio", warn=shipped.warn) if roomy else shipped
    return context.levels(levels, filesystem.mount_point).reached(ratio)


def _space_fault(
    section: section_pb2.Section, filesystem: section_pb2.Filesystem, reached: Reached, ratio: float
) -> finding_pb2.Finding:
    sizes = {"available_bytes": filesystem.available_bytes, "total_bytes": filesystem.total_bytes}
    line = stated(
        section, mount_point=filesystem.mount_point, type=filesystem.type, used_bytes=filesystem.used_bytes, **sizes
    )
    evidence = [line, *quote(section, MOUNTS, filesystem.mount_point)]
    return fault(
        reached, finding_pb2.CAUSE_HOST, {"used_ratio": ratio, **sizes}, evidence, subject=filesystem.mount_point
    )


def judge_inodes(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Files that can still be made: a filesystem may be out of inodes with plenty of room.

    Programs then fail with "no space left" although df shows space; usually one folder holds millions of small files.
    btrfs, which makes them as it goes, reports none and is left out; those of xfs run out with its room.
    """
    for filesystem in writable(section):
        if not filesystem.inodes_total:
            continue
        ratio = filesystem.inodes_available / filesystem.inodes_total
        if reached := context.levels(INODES, filesystem.mount_point).reached(ratio):
            counts = {"inodes_available": filesystem.inodes_available, "inodes_total": filesystem.inodes_total}
            line = stated(section, mount_point=filesystem.mount_point, type=filesystem.type, **counts)
            evidence = [line, *quote(section, MOUNTS, filesystem.mount_point)]
            parameters = {"inodes_available_ratio": ratio, **counts}
            yield fault(reached, finding_pb2.CAUSE_HOST, parameters, evidence, subject=filesystem.mount_point)
    _unmeasured(section)


def judge_read_only(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Filesystems that fstab mounts writable and that are read-only now.

    The kernel turns a filesystem read-only to save it, after an I/O error or a damaged journal; every program
    that writes there fails from that moment on.
    """
    for filesystem in section.filesystems.filesystems:
        if filesystem.read_only and filesystem.fstab_writable:
            mount = {"mount_point": filesystem.mount_point, "type": filesystem.type}
            evidence = prove(section, MOUNTS, (filesystem.mount_point,), **mount, options=",".join(filesystem.options))
            reached = Reached(CRITICAL, "read_only while fstab mounts it writable")
            yield fault(reached, finding_pb2.CAUSE_DISK, {"type": filesystem.type}, evidence, filesystem.mount_point)


ALL = (
    Check(
        id="disk.space",
        judge=judge_space,
        reads="filesystems",
        elsewhere=(WINDOWS, DARWIN),
        levels=(Levels("used_ratio", warn=SPACE_WARN, critical=SPACE_CRITICAL),),
        threshold=(
            "warn: used_ratio >= 0.8; critical: used_ratio >= 0.9, both moved up by (total_bytes / 20 GiB) ** -0.2 "
            "above 20 GiB; over 50 GiB critical only where available_bytes < 5 GiB"
        ),
        threshold_source="Checkmk df.py (80 and 90 %, size factor 0.8 from 20 GB); netdata disks.conf (below 5 GB)",
    ),
    Check(
        id="disk.inodes",
        judge=judge_inodes,
        reads="filesystems",
        elsewhere=(DARWIN,),
        levels=(INODES,),
        threshold=str(INODES),
        threshold_source="Checkmk df.py inodes_levels (10 and 5 %); node-mixin NodeFilesystemAlmostOutOfFiles (5, 3 %)",
    ),
    Check(
        id="disk.ro",
        judge=judge_read_only,
        reads="filesystems",
        fields=("fstab_writable",),
        threshold="critical: read_only while fstab mounts it writable",
        threshold_source="node-problem-detector kernel-monitor.json (FilesystemIsReadOnly, permanent)",
    ),
)
