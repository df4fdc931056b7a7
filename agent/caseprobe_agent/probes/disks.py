"""Disks, their partitions and what they do; software RAID arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from caseprobe.errors import MeasurementError
from caseprobe.parse.block_address import block_addresses
from caseprobe.parse.diskstats import DiskCounters, parse_diskstats
from caseprobe.parse.mdstat import parse_mdstat
from caseprobe.parse.mountinfo import parse_mountinfo
from caseprobe.parse.pressure import parse_pressure
from caseprobe.v1 import section_log_pb2, section_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, names_in, number_of, value_of

DISKSTATS, MDSTAT, MOUNTINFO, PRESSURE = "/proc/diskstats", "/proc/mdstat", "/proc/self/mountinfo", "/proc/pressure/io"
BLOCK = "/sys/block"
SECTOR_BYTES = 512
DISKS_AT_MOST = 500
# Not disks: memory, files, drives for media, and what is built on top of disks.
NO_DISKS = ("dm-", "drbd", "fd", "loop", "md", "nbd", "ram", "rbd", "sr", "zd", "zram")
IN_MEMORY = ("fd", "loop", "ram", "sr", "zram")
VIRTUAL_NAMES = ("vd", "xvd")
VIRTUAL_MODELS = ("QEMU", "VMware", "VBOX", "Virtual", "Msft", "Google", "PersistentDisk", "Amazon Elastic Block Store")


@dataclass(frozen=True)
class Sample:
    """Counters of every block device at one moment."""

    at_seconds: float
    counters: Mapping[str, DiskCounters]


def sample(machine: Machine) -> Sample:
    """Counters now."""
    return Sample(machine.monotonic_seconds(), parse_diskstats(machine.read_text(DISKSTATS)))


def measure(machine: Machine, earlier: object | None) -> Measured:
    """Every disk with its partitions and rates, every array; absent where the machine shows no block device."""
    notes = Notes()
    text = machine.read_text(DISKSTATS)
    now = Sample(machine.monotonic_seconds(), parse_diskstats(text))
    facts = section_pb2.DisksFacts()
    mounts = _mounts(machine, notes)
    for name in notes.names("disks.disks", machine, BLOCK):
        if (
            not name.startswith(NO_DISKS)
            and notes.number("disks.disks", machine, f"{BLOCK}/{name}/size")
            and len(facts.disks) < DISKS_AT_MOST
        ):
            facts.disks.append(_disk(name, machine, mounts, notes))
    _add_counters(facts, now, earlier if isinstance(earlier, Sample) else None)
    for disk in facts.disks:
        if disk.name in now.counters:
            line = now.counters[disk.name].line
            notes.keep(DISKSTATS, line, text.splitlines()[line - 1])
    _add_arrays(facts, machine, notes)
    facts.ties.extend(_ties(machine))
    if (pressure := notes.parsed("disks.pressure", machine, PRESSURE, parse_pressure)) is not None:
        facts.pressure.CopyFrom(pressure)
    return notes.measured(facts)


def _mounts(machine: Machine, notes: Notes) -> Mapping[str, str]:
    """Mount point by device number; the first of several."""
    text = notes.attempt("disks.mount_point", lambda: machine.read_text(MOUNTINFO, 4 << 20)) or ""
    return {mount.device_number: mount.mount_point for mount in reversed(parse_mountinfo(text))}


def _disk(name: str, machine: Machine, mounts: Mapping[str, str], notes: Notes) -> section_pb2.Disk:
    folder = f"{BLOCK}/{name}"
    turns = number_of(notes.noted("disks.disks", machine), f"{folder}/queue/rotational")
    disk = section_pb2.Disk(
        name=name,
        model=_model(machine, folder),
        serial=value_of(machine, f"{folder}/device/serial") or value_of(machine, f"{folder}/serial") or "",
        size_bytes=(number_of(machine, f"{folder}/size") or 0) * SECTOR_BYTES,
        rotational=turns == 1,
        removable=number_of(machine, f"{folder}/removable") == 1,
        read_only=number_of(machine, f"{folder}/ro") == 1,
    )
    disk.hardware_queues_total = len(names_in(machine, f"{folder}/mq"))
    disk.kind = kind_of(disk, turns)
    for part in [name, *(part for part in names_in(machine, folder) if part.startswith(name))]:
        place = folder if part == name else f"{folder}/{part}"
        mount_point = mounts.get(value_of(machine, f"{place}/dev") or "", "")
        if part != name or mount_point:
            size_bytes = (number_of(machine, f"{place}/size") or 0) * SECTOR_BYTES
            disk.partitions.add(name=part, size_bytes=size_bytes, mount_point=mount_point)
    return disk


def _model(machine: Machine, folder: str) -> str:
    vendor = value_of(machine, f"{folder}/device/vendor") or ""
    model = value_of(machine, f"{folder}/device/model") or ""
    # ATA disks give "ATA" as their vendor, virtio disks a number.
    return model if vendor in ("", "ATA") or vendor.startswith("0x") else f"{vendor} {model}".strip()


def kind_of(disk: section_pb2.Disk, rotational: int | None) -> str:
    """hdd, ssd, nvme, virtual, or unknown where the kernel does not tell whether it turns.

    >>> kind_of(section_pb2.Disk(name="vda"), 1)
    'virtual'
    """
    if disk.name.startswith(VIRTUAL_NAMES) or any(word in disk.model for word in VIRTUAL_MODELS):
        return "virtual"
    if disk.name.startswith("nvme"):
        return "nvme"
    return {0: "ssd", 1: "hdd"}.get(-1 if rotational is None else rotational, "unknown")


def _add_counters(facts: section_pb2.DisksFacts, now: Sample, earlier: Sample | None) -> None:
    seconds = now.at_seconds - earlier.at_seconds if earlier else 0.0
    facts.sample_seconds = seconds
    for disk in facts.disks:
        if (counters := now.counters.get(disk.name)) is None:
            continue
        disk.reads_total, disk.writes_total = counters.reads, counters.writes
        disk.busy_seconds_total, disk.weighted_seconds_total = counters.busy_seconds, counters.weighted_seconds
        disk.read_bytes_total, disk.written_bytes_total = counters.read_bytes, counters.written_bytes
        if requests := counters.reads + counters.writes:
            disk.boot_await_seconds = (counters.read_seconds + counters.write_seconds) / requests
        before = earlier.counters.get(disk.name) if earlier else None
        if before is not None and seconds > 0:
            _add_rates(disk, counters, before, seconds)


def _add_rates(disk: section_pb2.Disk, now: DiskCounters, before: DiskCounters, seconds: float) -> None:
    """Rates over the sample; a counter that went back counts as still."""
    reads, writes = max(0, now.reads - before.reads), max(0, now.writes - before.writes)
    disk.reads_per_second, disk.writes_per_second = reads / seconds, writes / seconds
    disk.read_bytes_per_second = max(0, now.read_bytes - before.read_bytes) / seconds
    disk.written_bytes_per_second = max(0, now.written_bytes - before.written_bytes) / seconds
    waited = now.read_seconds + now.write_seconds - before.read_seconds - before.write_seconds
    if reads + writes:
        disk.await_seconds = max(0.0, waited) / (reads + writes)
    disk.busy_ratio = min(1.0, max(0.0, now.busy_seconds - before.busy_seconds) / seconds)
    disk.queue_length = max(0.0, now.weighted_seconds - before.weighted_seconds) / seconds


def _ties(machine: Machine) -> Iterator[section_log_pb2.BlockTie]:
    """What each block device lies on: the place of a disk in the machine, the members of what is built on disks."""
    names = [name for name in names_in(machine, BLOCK) if not name.startswith(IN_MEMORY)]
    for name in names[:DISKS_AT_MOST]:
        folder = f"{BLOCK}/{name}"
        below = names_in(machine, f"{folder}/slaves") if name.startswith(("dm-", "md")) else _addresses(machine, folder)
        if below:
            yield section_log_pb2.BlockTie(name=name, below=below)
        if name.startswith("dm-") and (mapped := value_of(machine, f"{folder}/dm/name")):
            yield section_log_pb2.BlockTie(name=f"mapper/{mapped}", below=[name])


def _addresses(machine: Machine, folder: str) -> list[str]:
    try:
        return block_addresses(machine.read_link(folder))
    except MeasurementError:
        return []


def _add_arrays(facts: section_pb2.DisksFacts, machine: Machine, notes: Notes) -> None:
    """Machines without software RAID have no such file, which is no shortfall."""
    if not machine.exists(MDSTAT):
        return
    text = notes.attempt("disks.arrays", lambda: machine.read_text(MDSTAT)) or ""
    facts.arrays.extend(parse_mdstat(text))
    for array in facts.arrays:
        path = f"{BLOCK}/{array.name}/md/mismatch_cnt"
        if (mismatches := notes.number("disks.mismatches_total", machine, path)) is not None and mismatches >= 0:
            array.mismatches_total = mismatches
            notes.quote(path, str(mismatches))
    if facts.arrays:
        notes.quote(MDSTAT, text)
