"""Which kind of finding can follow from which: chains from the root down. A kind is a check, or a class of fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# How two findings must belong together, besides in time.
DEVICE, INTERFACE, MACHINE, UNIT, OBJECT = "device", "interface", "machine", "unit", "object"
STATE = "state"

# What the drive says of itself comes before what its users suffered; the strongest word first.
DRIVE = (
    *("smart.status", "nvme.critical", "smart.selftest", "smart.errlog", "nvme.media", "smart.pending"),
    *("smart.offunc", "smart.reported", "smart.readerr", "smart.growth"),
)
# What may stand on a drive that serves well, and so explains no error by itself.
WORN = ("smart.defects", "smart.devstat", "smart.attr_now", "smart.realloc", "smart.spin", "smart.e2e", "nvme.spare")
# What is above the disks: an array, a filesystem, those who wait for it.
ABOVE_DISKS = (
    *("raid.md", "mpath", "zfs.pool", "btrfs.dev", "lvm.thin", "fs_error", "fs_remount_ro", "disk.ro", "disk.missing"),
    *("hung_task", "proc.dstate", "disk.await", "disk.queue", "disk.util", "disk.psi", "cpu.iowait"),
)
SERVICE = "svc.failed"
# They count since boot, and so tell of what is long over.
SINCE_BOOT = frozenset(
    {"mem.edac_ue", "mem.edac_ce", "mem.hwcorrupt", "mem.oom", "sys.taint", "sys.crash", "cpu.throttle", "hw.pcie_aer"}
)


@dataclass(frozen=True)
class Chain:
    """Kinds in the order in which one leads to the next; any may follow from any before it.

    relation: how the two must belong together. seconds: how long after the cause the effect may come.
    on_disk: whether nearness in time may stand in for a tie that no fact tells. worst_first: kinds that say one thing
    in several ways, of which the worst is the root.
    """

    name: str
    kinds: Sequence[str]
    relation: str
    seconds: float
    on_disk: bool = False
    worst_first: bool = False

    @property
    def places(self) -> Mapping[str, int]:
        """Where each kind stands."""
        return {kind: place for place, kind in enumerate(self.kinds)}


# The first chain in which a finding has a cause decides.
CHAINS: Sequence[Chain] = (
    Chain("a drive in its own words", (*DRIVE, *WORN), DEVICE, 0.0, worst_first=True),
    Chain(
        "a place that cannot be read",
        ("blk_medium_error", "ata_link_reset", "scsi_timeout", "nvme_reset"),
        DEVICE,
        3600.0,
    ),
    Chain("a bad cable", ("smart.crc", "ata_icrc", "ata_link_reset", "blk_transport_error"), DEVICE, 3600.0),
    Chain(
        "a disk that fails",
        (
            *DRIVE,
            *("blk_medium_error", "nvme_reset", "ata_link_reset", "scsi_timeout", "smart.timeout", "blk_io_error"),
            *ABOVE_DISKS,
        ),
        DEVICE,
        3600.0,
    ),
    Chain(
        "the way to a disk that fails",
        (
            *("usb_disconnect_storage", "hw.pcie_aer", "pcie_aer", "smart.crc", "ata_icrc", "nvme_reset"),
            *("ata_link_reset", "scsi_timeout", "blk_transport_error", "smart.timeout", "blk_io_error"),
            *ABOVE_DISKS,
        ),
        DEVICE,
        3600.0,
    ),
    Chain(
        "an interface that fails",
        ("hw.pcie_aer", "pcie_aer", "nic_reset", "link_flap", "net.link", "net.err", "net.drop", "net.bond"),
        INTERFACE,
        3600.0,
    ),
    Chain(
        "a machine cut off",
        (
            *("nic_reset", "link_flap", "wifi.signal", "net.link", "net.bond", "net.conntrack", "conntrack_full"),
            "dns.resolver",
            *("time.server", "net.portal", "net.proxy", "net.retrans"),
        ),
        MACHINE,
        900.0,
    ),
    Chain("a weak signal", ("wifi.signal", "wifi.rate", "wifi.retry", "wifi.roam"), INTERFACE, 0.0),
    Chain("full connection table", ("net.conntrack", "conntrack_full", "net.drop"), MACHINE, 900.0),
    Chain("names not found", ("dns.resolver", "time.server", "time.sync", "time.offset"), MACHINE, 900.0),
    Chain("a clock that nobody sets", ("time.server", "time.sync", "time.offset"), MACHINE, 86400.0),
    Chain(
        "memory that errs",
        (
            *("edac_ue", "mem.edac_ue", "mce_ue", "mem.hwcorrupt", "edac_ce", "mem.edac_ce", "mce_ce", "bad_page"),
            *("oops", "hard_lockup", "sys.crash", "sys.taint"),
        ),
        MACHINE,
        600.0,
    ),
    Chain(
        "a kernel that stands still",
        (
            *("cpu.steal", "oops", "hard_lockup", "soft_lockup", "rcu_stall", "hung_task", "proc.dstate"),
            *("sys.crash", "sys.taint", "cpu.load"),
        ),
        MACHINE,
        600.0,
    ),
    Chain(
        "heat",
        ("hw.fan", "hw.temp", "smart.temp", "nvme.temp", "thermal_throttle", "cpu.throttle", "cpu.freqcap"),
        MACHINE,
        86400.0,
    ),
    Chain(
        "memory that runs out",
        (
            *("mem.leak", "mem.avail", "mem.commit", "oom_kill", "mem.oom", "mem.psi", "mem.swapio", "mem.swapused"),
            "mem.majflt",
        ),
        MACHINE,
        1800.0,
    ),
    Chain("a limit of memory", ("mem.cglimit", "cgroup_oom"), MACHINE, 86400.0),
    Chain("room that runs out", ("disk.deleted", "disk.space", "disk.inodes", "disk.fill"), OBJECT, 0.0),
    Chain("errors on a bus", ("hw.pcie_aer", "pcie_aer"), DEVICE, 86400.0),
    Chain("services and their reason", ("segfault_storm", "segfault", "oom_kill", "cgroup_oom", SERVICE), UNIT, 900.0),
    Chain(
        "services on a disk",
        (*DRIVE, "blk_medium_error", "blk_io_error", "disk.space", "disk.inodes", *ABOVE_DISKS, SERVICE),
        STATE,
        900.0,
        on_disk=True,
    ),
    Chain(
        "services cut off",
        ("link_flap", "net.link", "net.bond", "dns.resolver", "conntrack_full", SERVICE),
        STATE,
        900.0,
    ),
)

# What the last lines of a service say when something else stopped it: by kind of the cause.
WORDS: Mapping[str, Sequence[str]] = {
    "disk.space": ("No space left on device", "ENOSPC", "disk full", "Disk quota exceeded"),
    "disk.inodes": ("No space left on device", "ENOSPC"),
    "fs_remount_ro": ("Read-only file system", "EROFS"),
    "disk.ro": ("Read-only file system", "EROFS"),
    "fs_error": ("Input/output error", "Structure needs cleaning", "Read-only file system", "EIO", "EUCLEAN"),
    "blk_io_error": ("Input/output error", "I/O error", "EIO"),
    "blk_medium_error": ("Input/output error", "I/O error", "EIO"),
    "oom_kill": ("oom-kill", "out of memory", "Out of memory", "status=9/KILL"),
    "cgroup_oom": ("oom-kill", "out of memory", "Out of memory", "status=9/KILL"),
    "segfault_storm": ("core-dump", "status=11/SEGV", "dumped core"),
    "segfault": ("core-dump", "status=11/SEGV", "dumped core"),
    "dns.resolver": ("name resolution", "could not be resolved", "Could not resolve", "Name or service not known"),
    "link_flap": ("Network is unreachable", "No route to host", "network is down"),
    "net.link": ("Network is unreachable", "No route to host", "network is down"),
    "net.bond": ("Network is unreachable", "No route to host", "network is down"),
    "conntrack_full": ("Operation not permitted", "timed out"),
}
