"""Volumes between disks and filesystems: ZFS pools, btrfs, LVM thin pools, devices with several paths."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks.check import Check, Context, NotApplicable, Unknown
from caseprobe.checks.evidence import prove, stated
from caseprobe.checks.levels import CRITICAL, WARN, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2, section_storage_pb2

DISK = finding_pb2.CAUSE_DISK
HOST = finding_pb2.CAUSE_HOST
POOL_FULL = Levels("allocated_ratio", warn=0.90, critical=0.98)
METADATA = Levels("metadata_used_ratio", warn=0.95, critical=0.98)
UNALLOCATED = 0.02
THIN_DATA = Levels("data_ratio", warn=0.90, critical=0.98)
THIN_METADATA = Levels("metadata_ratio", warn=0.90, critical=0.98)
BAD_POOLS = frozenset({"FAULTED", "UNAVAIL", "SUSPENDED", "REMOVED", "OFFLINE"})


def judge_pools(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """ZFS pools that lost a member or do not work at all, and how full they are.

    A degraded pool works on without protection. Above nine tenths a pool has no long free runs left and becomes very
    slow; a full one cannot even delete easily, since deleting writes.
    """
    pools = section.volumes.pools
    if not pools:
        raise NotApplicable("this machine has no ZFS pool")
    for pool in pools:
        source = f"/proc/spl/kstat/zfs/{pool.name}/state"
        evidence = prove(section, source, (), pool=pool.name, state=pool.state)
        if pool.state == "DEGRADED" or pool.state in BAD_POOLS:
            degraded = pool.state == "DEGRADED"
            reached = Reached(WARN if degraded else CRITICAL, f"state is {pool.state}")
            message_id = "degraded" if degraded else "broken"
            yield fault(reached, DISK, {"state": pool.state}, evidence, pool.name, message_id)
        elif pool.state != "ONLINE":
            raise Unknown(f"pool {pool.name} has a state that is not known: {pool.state or 'none'}")
        if pool.HasField("size_bytes") and pool.size_bytes:
            ratio = pool.allocated_bytes / pool.size_bytes
            if full := context.levels(POOL_FULL, pool.name).reached(ratio):
                sizes = {"size_bytes": pool.size_bytes, "allocated_bytes": pool.allocated_bytes}
                line = stated(section, pool=pool.name, **sizes)
                yield fault(full, HOST, {"allocated_ratio": ratio, **sizes}, [line], pool.name, "full")


def _btrfs(section: section_pb2.Section) -> list[section_storage_pb2.Btrfs]:
    if not section.volumes.btrfs:
        raise NotApplicable("this machine has no btrfs")
    return list(section.volumes.btrfs)


def judge_btrfs_devices(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Errors of each device of a btrfs, as it counts them itself until somebody resets them.

    Writes and flushes that failed lose what was written; reads and checksums that failed are mended from the other
    copy where there is one. A device that is missing leaves the filesystem without that copy.
    """
    for one in _btrfs(section):
        for device in one.devices:
            lost = device.write_errors_total + device.flush_errors_total
            damaged = device.read_errors_total + device.corruption_errors_total + device.generation_errors_total
            subject = f"{one.name} {device.name}"
            counts = {"lost_total": lost, "damaged_total": damaged}
            evidence = prove(section, "/sys/fs/btrfs/", _NAMES, filesystem=one.name, device=device.name, **counts)
            if device.missing:
                yield fault(Reached(CRITICAL, "missing = 1"), DISK, counts, evidence, subject, "missing")
            elif lost:
                reached = Reached(CRITICAL, "write_errs + flush_errs > 0")
                yield fault(reached, DISK, counts, evidence, subject, "lost")
            elif damaged:
                reached = Reached(WARN, "read_errs + corruption_errs + generation_errs > 0")
                yield fault(reached, DISK, counts, evidence, subject, "damaged")


_NAMES = ("write_errs", "read_errs", "flush_errs", "corruption_errs", "generation_errs")


def judge_btrfs_room(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Room for btrfs's own bookkeeping, once all of the disk is given out.

    btrfs gives out large chunks for data or for metadata. When none is left to give and the metadata is full, writing
    ends with "no space" although df shows room; balancing gives half-empty chunks back.
    """
    for one in _btrfs(section):
        free = one.size_bytes - min(one.allocated_bytes, one.size_bytes)
        if not one.metadata_total_bytes or not one.size_bytes or free >= UNALLOCATED * one.size_bytes:
            continue
        ratio = one.metadata_used_bytes / one.metadata_total_bytes
        if reached := context.levels(METADATA, one.name).reached(ratio):
            sizes = {"unallocated_bytes": free, "metadata_total_bytes": one.metadata_total_bytes}
            line = stated(section, filesystem=one.name, metadata_used_bytes=one.metadata_used_bytes, **sizes)
            yield fault(reached, HOST, {"metadata_used_ratio": ratio, **sizes}, [line], one.name)


def judge_thin(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """How full LVM's thin pools are, by data and by their own bookkeeping.

    Volumes in a thin pool promise more than there is. When the pool is full every one of them gets errors or goes
    read-only at once; full bookkeeping can cost all of them.
    """
    if not section.volumes.thin_pools:
        raise NotApplicable("this machine has no LVM thin pool")
    for pool in section.volumes.thin_pools:
        for levels, ratio, message_id in (
            (THIN_DATA, pool.data_ratio, "data"),
            (THIN_METADATA, pool.metadata_ratio, "metadata"),
        ):
            if reached := context.levels(levels, pool.name).reached(ratio):
                line = stated(section, pool=pool.name, data_ratio=pool.data_ratio, metadata_ratio=pool.metadata_ratio)
                yield fault(reached, HOST, {levels.parameter: ratio}, [line], pool.name, message_id)


def judge_paths(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Devices that are reached over several paths, of which some carry nothing.

    The other paths hide the failure of a cable, port or switch; with the last one the storage is gone.
    """
    if not section.volumes.multipaths:
        raise NotApplicable("this machine has no device with several paths")
    for device in section.volumes.multipaths:
        if device.paths_active >= device.paths_total:
            continue
        failed = ", ".join(device.failed_paths)
        counts: dict[str, float | str] = {
            "paths_active": device.paths_active,
            "paths_total": device.paths_total,
            "failed": failed or "-",
        }
        evidence = prove(section, "multipath -ll", tuple(device.failed_paths), device=device.name, **counts)
        last = device.paths_active <= 1
        reached = Reached(CRITICAL, "paths_active <= 1") if last else Reached(WARN, "paths_active < paths_total")
        yield fault(reached, finding_pb2.CAUSE_LINK, counts, evidence, device.name, "last" if last else "some")


ALL = (
    Check(
        id="zfs.pool",
        judge=judge_pools,
        reads="volumes",
        fields=("pools", "size_bytes"),
        levels=(POOL_FULL,),
        threshold=f"warn: state is DEGRADED; critical: {', '.join(sorted(BAD_POOLS))}; {POOL_FULL}",
        threshold_source="netdata zfs.conf (states of pools); own levels of room",
    ),
    Check(
        id="btrfs.dev",
        judge=judge_btrfs_devices,
        reads="volumes",
        fields=("btrfs",),
        threshold="critical: missing, write_errs or flush_errs > 0; warn: read, corruption, generation errors > 0",
        threshold_source="netdata btrfs.conf (btrfs_device_*_errors, any)",
    ),
    Check(
        id="btrfs.alloc",
        judge=judge_btrfs_room,
        reads="volumes",
        fields=("btrfs", "allocated_bytes"),
        levels=(METADATA,),
        threshold=f"{METADATA}, where less than {UNALLOCATED:.0%} of the disk is unallocated",
        threshold_source="netdata btrfs.conf btrfs_metadata (98 % with nothing unallocated); own warning level",
    ),
    Check(
        id="lvm.thin",
        judge=judge_thin,
        reads="volumes",
        fields=("thin_pools",),
        levels=(THIN_DATA, THIN_METADATA),
        threshold=f"{THIN_DATA}; {THIN_METADATA}",
        threshold_source="netdata lvm.conf (space utilization of data and metadata: 90 and 98 %)",
    ),
    Check(
        id="mpath",
        judge=judge_paths,
        reads="volumes",
        fields=("multipaths", "failed_paths"),
        threshold="warn: paths_active < paths_total; critical: paths_active <= 1 of several",
        threshold_source="own levels",
    ),
)
