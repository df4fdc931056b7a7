"""Deleted files that processes keep open: room that no folder shows and that only ends with its holder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from caseprobe.errors import MachineAbsent, MachineDenied, MeasurementError
from caseprobe.parse.mountinfo import Mount, parse_mountinfo
from caseprobe.v1 import section_storage_pb2
from caseprobe_agent.machine import Machine, OpenFile, Space
from caseprobe_agent.machine.reads import ADVICE
from caseprobe_agent.probes.probe import Measured, Notes, value_of

MOUNTINFO = "/proc/self/mountinfo"
MARK = " (deleted)"
# Memory that looks like a file: no filesystem's room is held by it.
NO_FILES = ("/memfd:", "/dev/", "/SYSV", "/anon_hugepage", "/drm mm object", "/i915")
LINKS_AT_MOST = 100_000
FILES_SHOWN = 10
MOUNT_SECONDS = 0.5


@dataclass(frozen=True)
class Held:
    """One deleted file and one process that holds it."""

    pid: int
    path: str
    file: OpenFile


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """Room held on each filesystem; a process of somebody else can be looked into with root's right only."""
    if not machine.live:
        raise MachineAbsent("no file is open in a copied tree")
    notes = Notes()
    facts = section_storage_pb2.DeletedFilesFacts()
    mounts = parse_mountinfo(machine.read_text(MOUNTINFO, 4 << 20))
    found: dict[tuple[str, int], Held] = {}
    for held in _held(machine, facts):
        found.setdefault((held.file.device_number, held.file.inode), held)
    groups: dict[str, list[Held]] = {}
    for held in found.values():
        groups.setdefault(_mount_of(held, mounts), []).append(held)
    spaces = machine.spaces(sorted(groups), MOUNT_SECONDS)
    for mount_point, files in groups.items():
        _add_held(facts, machine, mount_point, files, spaces.get(mount_point))
    if facts.hidden_processes_total:
        why = f"{facts.hidden_processes_total} processes of other users may not be looked into"
        notes.lack("deleted_files.held", MachineDenied(f"{why}; {ADVICE} them"))
    return notes.measured(facts)


def _held(machine: Machine, facts: section_storage_pb2.DeletedFilesFacts) -> Iterator[Held]:
    """Every open file without a name."""
    links = 0
    for pid in (name for name in machine.list_dir("/proc") if name.isdecimal()):
        try:
            descriptors = machine.list_dir(f"/proc/{pid}/fd")
        except MachineDenied:
            facts.hidden_processes_total += 1
            continue
        except MeasurementError:
            continue
        facts.processes_total += 1
        for descriptor in descriptors:
            links += 1
            if links > LINKS_AT_MOST:
                return
            if (held := _look(machine, pid, descriptor)) is not None:
                yield held


def _look(machine: Machine, pid: str, descriptor: str) -> Held | None:
    place = f"/proc/{pid}/fd/{descriptor}"
    try:
        target = machine.read_link(place)
        if not target.endswith(MARK) or not target.startswith("/") or target.startswith(NO_FILES):
            return None
        return Held(int(pid), target.removesuffix(MARK), machine.open_file(place))
    except MachineAbsent:
        return None
    except MeasurementError:
        return None


def _mount_of(held: Held, mounts: Sequence[Mount]) -> str:
    """Where the file's filesystem is mounted, of several places the nearest one above its path.

    btrfs gives each subvolume a device number of its own, which no mount has: there the path alone decides.
    """
    alike = [mount.mount_point for mount in mounts if mount.device_number == held.file.device_number]
    around = [
        point
        for point in alike or [mount.mount_point for mount in mounts]
        if held.path.startswith(point.rstrip("/") + "/")
    ]
    return max(around, key=len, default=alike[0] if alike else "/")


def _add_held(
    facts: section_storage_pb2.DeletedFilesFacts,
    machine: Machine,
    mount_point: str,
    files: list[Held],
    space: Space | MeasurementError | None,
) -> None:
    one = facts.held.add(mount_point=mount_point, held_bytes=sum(held.file.size_bytes for held in files))
    one.total_bytes = space.total_bytes if isinstance(space, Space) else 0
    for held in sorted(files, key=lambda held: -held.file.size_bytes)[:FILES_SHOWN]:
        process = value_of(machine, f"/proc/{held.pid}/comm") or ""
        one.files.add(pid=held.pid, process=process, path=held.path, size_bytes=held.file.size_bytes)
