"""What lies between disks and filesystems: ZFS pools, btrfs, LVM thin pools, devices with several paths.

The kernel's own files tell of all of them that they are there; how full pools and thin pools are only programs tell.
"""

from __future__ import annotations

from collections.abc import Sequence

from caseprobe.errors import MachineAbsent, MeasurementError
from caseprobe.parse.counters import parse_counters
from caseprobe.parse.lvs import parse_thin_pools
from caseprobe.parse.multipath import parse_multipath
from caseprobe.parse.zpool import parse_zpool_list
from caseprobe.v1 import section_pb2, section_storage_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, number_of, output_of, value_of

ZFS, BTRFS, BLOCK = "/proc/spl/kstat/zfs", "/sys/fs/btrfs", "/sys/block"
SECTOR_BYTES = 512
AT_MOST = 200
TOOL_SECONDS = 5.0
ZPOOL = ("zpool", "list", "-Hp", "-o", "name,size,allocated,health")
LVS_FIELDS = "vg_name,lv_name,lv_attr,lv_size,data_percent,metadata_percent"
LVS = ("lvs", "--noheadings", "--nosuffix", "--units", "b", "--separator", "|", "-o", LVS_FIELDS)
MULTIPATH = ("multipath", "-ll")
LATER = "is told by a program only, which this profile does not start (use --profile standard)"


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """What the kernel's files tell; absent where there is none of all this."""
    return _measure(machine, tools=False)


def measure_with_tools(machine: Machine, _earlier: object | None) -> Measured:
    """The same, and what zpool, lvs and multipath tell of those that are there."""
    return _measure(machine, tools=True)


def _measure(machine: Machine, tools: bool) -> Measured:
    notes = Notes()
    facts = section_storage_pb2.VolumesFacts()
    pools = _add_pools(facts, machine, notes)
    _add_btrfs(facts, machine, notes)
    thin, paths = _mapped(facts, machine, notes)
    if not (pools or facts.btrfs or thin or paths or notes.denied):
        raise MachineAbsent("this machine has no ZFS, btrfs, LVM thin pool or device with several paths")
    for there, fact, what in (
        (pools, "volumes.pools", "ZFS"),
        (bool(facts.btrfs), "volumes.btrfs", "btrfs"),
        (thin, "volumes.thin_pools", "LVM thin pool"),
        (paths, "volumes.multipaths", "device with several paths"),
    ):
        if not there and not any(one.field == fact for one in notes.shortfalls):
            notes.lack(fact, MachineAbsent(f"this machine has no {what}"))
    _ask(facts, machine, notes, tools, (pools, thin, paths))
    return notes.measured(facts)


def _ask(
    facts: section_storage_pb2.VolumesFacts,
    machine: Machine,
    notes: Notes,
    tools: bool,
    there: tuple[bool, bool, bool],
) -> None:
    """What only programs tell of what is there; without them it is left out, and said so."""
    for wanted, fact, what, ask in (
        (there[0], "volumes.size_bytes", "how full a ZFS pool is", _ask_zpool),
        (there[1], "volumes.thin_pools", "how full a thin pool is", _ask_lvs),
        (there[2], "volumes.failed_paths", "which paths the path checker gave up", _ask_multipath),
    ):
        if wanted and not tools:
            skipped = section_pb2.PROBE_OUTCOME_SKIPPED
            notes.shortfalls.append(section_pb2.Shortfall(field=fact, outcome=skipped, reason=f"{what} {LATER}"))
        elif wanted:
            try:
                ask(facts, machine, notes)
            except (MeasurementError, ValueError) as error:
                notes.lack(fact, error)


def _ask_zpool(facts: section_storage_pb2.VolumesFacts, machine: Machine, notes: Notes) -> None:
    text = output_of(machine, ZPOOL, TOOL_SECONDS)
    pools = parse_zpool_list(text)
    notes.quote(" ".join(ZPOOL), text)
    del facts.pools[:]
    facts.pools.extend(pools[:AT_MOST])


def _ask_lvs(facts: section_storage_pb2.VolumesFacts, machine: Machine, notes: Notes) -> None:
    text = output_of(machine, LVS, TOOL_SECONDS)
    facts.thin_pools.extend(parse_thin_pools(text)[:AT_MOST])
    notes.quote(" ".join(LVS), text)


def _ask_multipath(facts: section_storage_pb2.VolumesFacts, machine: Machine, notes: Notes) -> None:
    text = output_of(machine, MULTIPATH, TOOL_SECONDS)
    multipaths = parse_multipath(text)
    notes.quote(" ".join(MULTIPATH), text)
    if multipaths:
        del facts.multipaths[:]
        facts.multipaths.extend(multipaths[:AT_MOST])


def _add_pools(facts: section_storage_pb2.VolumesFacts, machine: Machine, notes: Notes) -> bool:
    """State of every imported pool; a pool is a folder with a file of its state in it."""
    for name in notes.names("volumes.pools", machine, ZFS):
        if machine.exists(f"{ZFS}/{name}/state"):
            state = notes.text("volumes.pools", machine, f"{ZFS}/{name}/state") or ""
            facts.pools.add(name=name, state=state)
            notes.quote(f"{ZFS}/{name}/state", state)
    return bool(facts.pools)


def _add_btrfs(facts: section_storage_pb2.VolumesFacts, machine: Machine, notes: Notes) -> None:
    """Every mounted btrfs: folders named by a UUID stand beside one of features."""
    for uuid in [name for name in notes.names("volumes.btrfs", machine, BTRFS) if name.count("-") == 4][:AT_MOST]:
        folder = f"{BTRFS}/{uuid}"
        told = notes.noted("volumes.btrfs", machine)
        one = facts.btrfs.add(name=value_of(machine, f"{folder}/label") or uuid[:8])
        devices = notes.names("volumes.btrfs", machine, f"{folder}/devices")
        one.size_bytes = sum(number_of(told, f"{folder}/devices/{d}/size") or 0 for d in devices) * SECTOR_BYTES
        for kind in ("data", "metadata", "system"):
            place = f"{folder}/allocation/{kind}"
            total = notes.number("volumes.allocated_bytes", machine, f"{place}/total_bytes") or 0
            setattr(one, f"{kind}_total_bytes", total)
            setattr(one, f"{kind}_used_bytes", number_of(told, f"{place}/bytes_used") or 0)
            one.allocated_bytes += number_of(told, f"{place}/disk_total") or total
        for number in notes.names("volumes.btrfs", machine, f"{folder}/devinfo"):
            name = devices[0] if len(devices) == 1 else f"devid {number}"
            _add_btrfs_device(one.devices.add(name=name), f"{folder}/devinfo/{number}", machine, notes)


def _add_btrfs_device(device: section_storage_pb2.BtrfsDevice, folder: str, machine: Machine, notes: Notes) -> None:
    device.missing = number_of(notes.noted("volumes.btrfs", machine), f"{folder}/missing") == 1
    text = notes.text("volumes.btrfs", machine, f"{folder}/error_stats")
    counters = parse_counters(text or "")
    if text:
        notes.quote(f"{folder}/error_stats", text)
    for kind in ("write", "read", "flush", "corruption", "generation"):
        setattr(device, f"{kind}_errors_total", max(0, counters.get(f"{kind}_errs", 0)))


def _mapped(facts: section_storage_pb2.VolumesFacts, machine: Machine, notes: Notes) -> tuple[bool, bool]:
    """Devices with several paths, by what the kernel says of each path's disk; whether there are thin pools, paths."""
    thin = False
    told = notes.noted("volumes.multipaths", machine)
    for name in [name for name in notes.names("volumes.multipaths", machine, BLOCK) if name.startswith("dm-")]:
        uuid = value_of(told, f"{BLOCK}/{name}/dm/uuid") or ""
        thin = thin or uuid.endswith("-tpool")
        if uuid.startswith("mpath-") and len(facts.multipaths) < AT_MOST:
            disks = notes.names("volumes.multipaths", machine, f"{BLOCK}/{name}/slaves")
            states = {disk: value_of(told, f"{BLOCK}/{disk}/device/state") or "" for disk in disks}
            failed = [disk for disk, state in states.items() if state in _BROKEN]
            facts.multipaths.add(
                name=value_of(machine, f"{BLOCK}/{name}/dm/name") or name,
                paths_total=len(disks),
                paths_active=len(disks) - len(failed),
                failed_paths=failed,
            )
            for disk in failed:
                notes.keep(f"{BLOCK}/{disk}/device/state", 1, states[disk])
    return thin, bool(facts.multipaths)


_BROKEN: Sequence[str] = ("offline", "transport-offline", "blocked", "cancel", "deleted", "dead")
