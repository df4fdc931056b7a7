"""What each read gives and which capabilities it needs. Nothing here takes a word from a caller."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from caseprobe.errors import MachineAbsent, MachineDenied, MachineTimeout, MeasurementError
from caseprobe.installed import changeable
from caseprobe_agent.machine import Completed, Machine
from caseprobe_agent.machine.disk_reports import (
    ALL_SECONDS,
    DISK_SECONDS,
    REPORT_BYTES,
    disks,
    questions,
    smartctl,
    understood,
)
from caseprobe_agent.machine.parts import Entry, Part, folder_part, part_of
from caseprobe_agent.machine.patience import within
from caseprobe_agent.machine.reads import CRASH_RECORDS, FIRMWARE, KERNEL_LOG, Read
from caseprobe_agent.reader.confinement import Capability

# Larger than any ring (log_buf_len).
RING_BYTES = 16 << 20
FIRMWARE_BYTES = 4096
# Links of all processes together, and how long they are looked through; a file that does not answer is passed over.
LINKS_AT_MOST, LINKS_SECONDS, FILE_SECONDS = 200_000, 8.0, 0.5
# Of one process and of all together: whoever makes many long names shall hide no more than their own.
TARGETS_CHARACTERS, OPEN_FILES_BYTES = 2 << 20, 24 << 20
RECORDS_AT_MOST = 2000
SOCKET, DELETED, NO_FILES = "socket:[", " (deleted)", ("/memfd:", "/dev/", "/SYSV", "/anon_hugepage", "/i915")
IPMITOOL, IPMI_SECONDS, IPMI_BYTES = ("-c", "sdr"), 40.0, 1 << 20
IPMITOOLS = ("/usr/sbin/ipmitool", "/usr/bin/ipmitool", "/sbin/ipmitool", "/bin/ipmitool")
COMPLAINT_CHARACTERS = 200


@dataclass(frozen=True)
class Reading:
    """How one read is done, and with which capabilities; files of root's own need none."""

    parts: Callable[[], Iterator[Part]]
    capabilities: Sequence[Capability] = ()


def _kernel_log() -> Iterator[Part]:
    """The kernel's ring, record by record, the newest RING_BYTES of it."""
    try:
        data, cut = Machine().read_tail(KERNEL_LOG, RING_BYTES)
        yield Part(KERNEL_LOG, data, cut=cut)
    except MeasurementError as error:
        yield part_of(KERNEL_LOG, error)


def _firmware() -> Iterator[Part]:
    """Serial and id of the machine, which the kernel shows to root only."""
    for path in FIRMWARE:
        try:
            yield Part(path, Machine().read_bytes(path, FIRMWARE_BYTES))
        except MeasurementError as error:
            yield part_of(path, error)


def _disks() -> Iterator[Part]:
    """Every disk's report, one after the other; one that sleeps is left asleep."""
    machine = Machine()
    program, end = smartctl(machine), time.monotonic() + ALL_SECONDS
    for name in disks(machine):
        for command in questions(program, name):
            part, known = _printed(machine, command, min(DISK_SECONDS, end - time.monotonic()), REPORT_BYTES)
            yield part
            if known:
                break


def _board_sensors() -> Iterator[Part]:
    """What the management controller tells of its sensors."""
    machine = Machine()
    program = next((path for path in IPMITOOLS if machine.exists(path)), None)
    if program is None:
        raise MachineAbsent("ipmitool is not installed", needs="ipmitool")
    yield _printed(machine, (program, *IPMITOOL), IPMI_SECONDS, IPMI_BYTES)[0]


def _printed(machine: Machine, command: Sequence[str], seconds: float, limit_bytes: int) -> tuple[Part, bool]:
    """What a program printed, and whether no other form of the question is needed."""
    name = " ".join(command)
    try:
        if seconds <= 0:
            raise MachineTimeout("was not asked: the time for all of them was used up")
        if (place := changeable(Path(command[0]))) is not None:
            raise MachineDenied(f"{command[0]} is not run as root: others than root may change {place}")
        done = machine.run(command, seconds, limit_bytes)
    except MeasurementError as error:
        return part_of(name, error), True
    part = Part(name, done.stdout, why=_complaint(done), number=done.exit_code, cut=done.truncated)
    return part, understood(command, done)


def _complaint(done: Completed) -> str:
    return done.stderr.decode("utf-8", "replace").strip().partition("\n")[0][:COMPLAINT_CHARACTERS]


def _open_files() -> Iterator[Part]:
    """Of every process how many files it has open, and which of them are sockets or were deleted; no other names."""
    machine, end = Machine(), time.monotonic() + LINKS_SECONDS
    links, room = LINKS_AT_MOST, OPEN_FILES_BYTES
    for pid in (name for name in machine.list_dir("/proc") if name.isdecimal()):
        folder = f"/proc/{pid}/fd"
        try:
            names = machine.list_dir(folder)
            links -= len(names)
            _bounded(links)
            part = folder_part(folder, _links(machine, folder, names, end), len(names))
            room -= len(part.data)
            _bounded(room)
            yield part
        except MachineAbsent:
            continue
        except MeasurementError as error:
            yield part_of(folder, error)


def _links(machine: Machine, folder: str, names: Sequence[str], end: float) -> Iterator[Entry]:
    """What is told of one process's descriptors."""
    room = TARGETS_CHARACTERS
    for name in names:
        entry = _link(machine, folder, name)
        if entry is not None:
            room -= len(entry.target)
            _bounded(min(room, end - time.monotonic()))
            yield entry


def _bounded(left: float) -> None:
    """Raises what hides a process, by its reason, where no room or time is left for it."""
    if left < 0:
        raise MachineDenied(f"more is open than is looked at ({LINKS_AT_MOST} files, {LINKS_SECONDS:g} s)")


def _link(machine: Machine, folder: str, name: str) -> Entry | None:
    """A descriptor that is a socket, or a deleted file with what it is; None for all others."""
    try:
        target = machine.read_link(f"{folder}/{name}")
        if target.startswith(SOCKET):
            return Entry(name, target)
        if target.endswith(DELETED) and target.startswith("/") and not target.startswith(NO_FILES):
            file = within(FILE_SECONDS, lambda: machine.open_file(f"{folder}/{name}"))
            return Entry(name, target, file.device_number, file.inode, file.size_bytes)
    except MeasurementError:
        pass  # closed meanwhile, or no regular file
    return None


def _crash_records() -> Iterator[Part]:
    """What the kernel wrote down when it crashed: names, sizes and times; it keeps them in a place of its own."""
    machine = Machine()
    try:
        names = machine.list_dir(CRASH_RECORDS)[-RECORDS_AT_MOST:]
        found = [(name, machine.file_facts(f"{CRASH_RECORDS}/{name}")) for name in names]
        entries = (Entry(name, size_bytes=one.size_bytes, modified_seconds=one.modified_seconds) for name, one in found)
        yield folder_part(CRASH_RECORDS, entries, len(names))
    except MeasurementError as error:
        yield part_of(CRASH_RECORDS, error)


ALL: Mapping[Read, Reading] = {
    Read.KERNEL_LOG: Reading(_kernel_log, (Capability.SYSLOG,)),
    Read.FIRMWARE: Reading(_firmware),
    # SG_IO passes commands through to disks with the first, NVMe's log pages take the second.
    Read.DISKS: Reading(_disks, (Capability.SYS_RAWIO, Capability.SYS_ADMIN)),
    Read.OPEN_FILES: Reading(_open_files, (Capability.SYS_PTRACE, Capability.DAC_READ_SEARCH)),
    Read.BOARD_SENSORS: Reading(_board_sensors),
    Read.CRASH_RECORDS: Reading(_crash_records),
}
