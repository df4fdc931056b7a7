"""Room and inodes of every mounted filesystem, and whether it still takes writes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from caseprobe.errors import MeasurementError
from caseprobe.parse.fstab import Entry, parse_fstab
from caseprobe.parse.mountinfo import Mount, parse_mountinfo
from caseprobe.v1 import section_pb2
from caseprobe_agent.machine import Machine, Space
from caseprobe_agent.probes.probe import Measured, Notes
from caseprobe_agent.probes.surroundings import container_of

MOUNTINFO, FSTAB = "/proc/self/mountinfo", "/etc/fstab"
FIRST_MOUNTINFO, READ_ONLY = "/proc/1/mountinfo", "ro"
# A mount whose server is gone never answers; the others must not wait for it.
MOUNT_TIMEOUT_SECONDS = 0.5
MOUNTS_AT_MOST = 500
# These hold no data of anybody; statvfs of autofs would even mount something.
KERNEL_TYPES = (
    *("autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs"),
    *("fusectl", "fuse.gvfsd-fuse", "fuse.lxcfs", "fuse.portal", "hugetlbfs", "mqueue", "nfsd", "nsfs", "proc"),
    *("pstore", "ramfs", "rpc_pipefs", "securityfs", "selinuxfs", "smackfs", "sysfs", "tracefs"),
)
KERNEL_FOLDERS, FILE_FOLDERS = ("/proc/", "/sys/"), ("/dev/", "/etc/", "/run/secrets")
# Images are full and read-only by nature, which says nothing about the machine.
IMAGE_TYPES = ("cramfs", "erofs", "iso9660", "romfs", "squashfs", "udf")


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """One entry a filesystem; one that hangs or may not be asked is there too, as not measured."""
    notes = Notes()
    text = machine.read_text(MOUNTINFO, 4 << 20)
    mounts = _as_outside(relevant(parse_mountinfo(text))[:MOUNTS_AT_MOST], machine)
    fstab = notes.attempt("filesystems.fstab_writable", lambda: machine.read_text(FSTAB)) or ""
    entries = parse_fstab(fstab)
    writable = {entry.mount_point for entry in entries if entry.writable}
    spaces = machine.spaces([mount.mount_point for mount in mounts], MOUNT_TIMEOUT_SECONDS)
    lines = text.splitlines()
    facts = section_pb2.FilesystemsFacts()
    for mount in mounts:
        facts.filesystems.append(_filesystem(mount, spaces[mount.mount_point], mount.mount_point in writable))
        notes.keep(MOUNTINFO, mount.line, lines[mount.line - 1])
    _add_expected(facts, machine, entries, {mount.mount_point for mount in parse_mountinfo(text)})
    notes.quote(FSTAB, fstab, tuple(one.device for one in facts.expected if not one.mounted))
    return notes.measured(facts)


def _as_outside(mounts: list[Mount], machine: Machine) -> list[Mount]:
    """The mounts with the options that the machine's first process sees, where it has the same.

    A service manager may show all of them read-only to a service (ProtectSystem), which says nothing of the machine.
    """
    if not any(READ_ONLY in mount.options for mount in mounts):
        return mounts
    try:
        first = parse_mountinfo(machine.read_text(FIRST_MOUNTINFO, 4 << 20))
    except MeasurementError:
        return mounts
    options = {(mount.device_number, mount.mount_point): mount.options for mount in first}
    return [
        replace(mount, options=options.get((mount.device_number, mount.mount_point), mount.options)) for mount in mounts
    ]


def _add_expected(
    facts: section_pb2.FilesystemsFacts, machine: Machine, entries: Iterable[Entry], mounted: set[str]
) -> None:
    """What fstab mounts at every start, and whether it is mounted; what is mounted on demand is left out.

    A container mounts no devices, and systemd passes over those of its fstab, which came with an image of a machine.
    """
    contained = bool(container_of(machine))
    for entry in [entry for entry in entries if _at_start(entry)][:MOUNTS_AT_MOST]:
        point, file = entry.mount_point.rstrip("/") or "/", _device_file(entry.device)
        if contained and file is not None and point not in mounted:
            continue
        one = facts.expected.add(mount_point=point, device=entry.device, mounted=point in mounted)
        if not one.mounted and file is not None:
            one.device_present = machine.exists(file)


def _at_start(entry: Entry) -> bool:
    on_demand = {"noauto", "nofail", "bind", "rbind", "x-systemd.automount"} & set(entry.options)
    return entry.mount_point.startswith("/") and not on_demand and entry.type not in (*KERNEL_TYPES, "swap", "none")


def _device_file(device: str) -> str | None:
    """Where the device shows while it is there; None for a server's share, which has no file.

    >>> _device_file('LABEL="data"')
    '/dev/disk/by-label/data'
    """
    kind, equals, name = device.partition("=")
    if equals and kind in ("UUID", "LABEL", "PARTUUID", "PARTLABEL"):
        value = name.strip("\"'")
        return f"/dev/disk/by-{kind.lower()}/{value.lower() if kind == 'PARTUUID' else value}"
    return device if device.startswith("/dev/") else None


def relevant(mounts: Iterable[Mount]) -> list[Mount]:
    """Mounts that hold data, each filesystem once: bind mounts and what is mounted over are left out.

    The first mount of a filesystem is told, preferably one of its root folder.
    """
    visible = {mount.mount_point: mount for mount in mounts}
    chosen: dict[str, Mount] = {}
    for mount in sorted(visible.values(), key=lambda mount: mount.line):
        if mount.type in KERNEL_TYPES + IMAGE_TYPES or mount.mount_point.startswith(KERNEL_FOLDERS) or _one_file(mount):
            continue
        known = chosen.setdefault(mount.device_number, mount)
        if known.root != "/" and mount.root == "/":
            chosen[mount.device_number] = mount
    return list(chosen.values())


def _one_file(mount: Mount) -> bool:
    """Container managers mount single files of the host, such as /etc/hosts; the host's room is not this machine's."""
    return mount.root != "/" and mount.mount_point.startswith(FILE_FOLDERS)


def _filesystem(mount: Mount, space: Space | MeasurementError, fstab_writable: bool) -> section_pb2.Filesystem:
    filesystem = section_pb2.Filesystem(
        mount_point=mount.mount_point,
        device=mount.device,
        type=mount.type,
        options=mount.options,
        read_only=mount.read_only,
        fstab_writable=fstab_writable,
        measured=isinstance(space, Space),
    )
    if isinstance(space, MeasurementError):
        filesystem.reason = _public_reason(space, mount.mount_point)
        return filesystem
    filesystem.total_bytes = space.total_bytes
    filesystem.used_bytes = space.total_bytes - space.free_bytes
    filesystem.available_bytes = space.available_bytes
    filesystem.inodes_total = space.inodes_total
    filesystem.inodes_available = space.inodes_available
    return filesystem


def _public_reason(error: MeasurementError, mount_point: str) -> str:
    """The reason without the path, which may be private: this field leaves as it is."""
    return str(error).replace(mount_point, "it") if mount_point != "/" else str(error)
