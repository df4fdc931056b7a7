"""Cascades as they happen, written by hand: which finding is the root, what folds under it, and what must not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from caseprobe.checks import log
from caseprobe.checks.causes import kind_of, link_causes
from caseprobe.checks.check import NO_CONTEXT
from caseprobe.checks.folding import folded
from caseprobe.parse.logs.facts import facts_of
from caseprobe.parse.logs.text import LogText, ring_parser
from caseprobe.v1 import finding_pb2, section_pb2, snapshot_pb2

BOOTED = 1_700_000_000.0
WARN, CRITICAL = finding_pb2.SEVERITY_WARN, finding_pb2.SEVERITY_CRITICAL
# What the probes tell of one server: two SATA disks, an NVMe drive, LVM on the first, an array of both.
TIES: Mapping[str, Sequence[str]] = {
    "sda": ("0:0:0:0", "target0:0:0", "host0", "ata1", "0000:00:1f.2"),
    "sdb": ("1:0:0:0", "target1:0:0", "host1", "ata2", "0000:00:1f.2"),
    "sdc": ("6:0:0:0", "target6:0:0", "host6", "usb 2-1", "0000:00:14.0"),
    "nvme0n1": ("nvme0", "0000:01:00.0", "0000:00:1d.0"),
    "dm-0": ("sda2",),
    "md0": ("sda3", "sdb3"),
    "/": ("sda1",),
    "/srv": ("dm-0",),
    "/data": ("md0",),
    "/fast": ("nvme0n1p1",),
}
Told = tuple[str, str, finding_pb2.Severity.ValueType, str]


@dataclass(frozen=True)
class Scenario:
    """Lines of the kernel by second since boot, findings of other checks, and units by the second of their change.

    root: kind and object. folded: how many findings stand under it. apart: kinds that stay findings of their own.
    """

    name: str
    lines: Sequence[tuple[float, str]]
    root: tuple[str, str]
    folded: int
    told: Sequence[Told] = ()
    units: Mapping[str, float] = field(default_factory=dict)
    apart: Sequence[str] = ()
    ties: Mapping[str, Sequence[str]] = field(default_factory=lambda: TIES)
    now: float = 1000.0


def judged(scenario: Scenario) -> list[finding_pb2.Finding]:
    """The findings of a scenario, linked and folded."""
    snapshot = snapshot_pb2.Snapshot()
    snapshot.started_at.FromSeconds(int(BOOTED + scenario.now))
    text = "".join(f"[{seconds:12.6f}] {line}\n" for seconds, line in scenario.lines)
    section = snapshot.sections.add(probe="kernel_log")
    section.kernel_log.CopyFrom(facts_of(LogText(text, ring_parser(0)), BOOTED))
    disks = snapshot.sections.add(probe="disks").disks
    for name, below in scenario.ties.items():
        disks.ties.add(name=name, below=below)
    units = snapshot.sections.add(probe="services").services
    for name, seconds in scenario.units.items():
        units.units.add(name=name).changed_at.FromMilliseconds(round((BOOTED + seconds) * 1000))
    snapshot.sections.add(probe="routes").routes.routes.add(destination="default", interface="eth0")
    findings = [*_of_log(section), *(_told(one) for one in scenario.told)]
    findings.sort(key=lambda finding: -finding.state)
    link_causes(findings, snapshot)
    return folded(findings)


def _of_log(section: section_pb2.Section) -> list[finding_pb2.Finding]:
    found = list(log.judge_log(section, NO_CONTEXT))
    for finding in found:
        finding.check_id = "log.kernel"
    return found


def _told(told: Told) -> finding_pb2.Finding:
    check_id, subject, state, text = told
    message_id = "failed" if check_id == "svc.failed" else ""
    finding = finding_pb2.Finding(check_id=check_id, object=subject, state=state, message_id=message_id)
    finding.evidence.add(source="told", text=text)
    return finding


def verdict(scenario: Scenario) -> str:
    """Empty where it is linked as it should be, else what is wrong."""
    findings = judged(scenario)
    roots = [one for one in findings if not one.HasField("folded_under")]
    right = [one for one in roots if (kind_of(one), one.object) == scenario.root]
    if len(right) != 1:
        return f"roots are {[(kind_of(one), one.object) for one in roots]}"
    if right[0].folded_total != scenario.folded:
        under = [(kind_of(one), one.object) for one in findings if one.HasField("folded_under")]
        return f"{right[0].folded_total} folded, not {scenario.folded}: {under}"
    others = sorted(kind_of(one) for one in roots if one is not right[0])
    return "" if others == sorted(scenario.apart) else f"apart are {others}"


def orphans(scenario: Scenario) -> int:
    """Critical findings that stand alone beside the root and should not."""
    roots = [one for one in judged(scenario) if not one.HasField("folded_under")]
    alone = [one for one in roots if one.state == CRITICAL and (kind_of(one), one.object) != scenario.root]
    return sum(kind_of(one) not in scenario.apart for one in alone)


RESET = "ata1: hard resetting link"
FAILED = "ata1.00: failed command: READ FPDMA QUEUED"
IO = "blk_update_request: I/O error, dev {}, sector 2048 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 0"
EXT4 = "EXT4-fs error (device {}): ext4_find_entry:1463: inode #2: comm ls: reading directory lblock 0"
ABORT = "Aborting journal on device {}-8."
READ_ONLY = "EXT4-fs ({}): Remounting filesystem read-only"
OOM = "Out of memory: Killed process 1834 (mysqld) total-vm:18273644kB, anon-rss:15982340kB, file-rss:0kB"
SCENARIOS: Sequence[Scenario] = (
    Scenario(
        "a cable loses contact under the root filesystem",
        ((10, FAILED), (11, RESET), (15, IO.format("sda")), (16, ABORT.format("sda1")), (16, READ_ONLY.format("sda1"))),
        ("ata_link_reset", "ata1"),
        5,
        told=(
            ("disk.ro", "/", CRITICAL, "/ ro"),
            ("svc.failed", "postgresql.service", WARN, "could not write: Read-only file system"),
        ),
        units={"postgresql.service": 30},
    ),
    Scenario(
        "a bad sector of a disk below LVM",
        (
            (10, "ata1.00: error: { UNC }"),
            (10, FAILED),
            (11, RESET),
            (12, "sd 0:0:0:0: [sda] tag#5 Sense Key : Medium Error [current]"),
            (12, IO.format("sda")),
            (13, EXT4.format("dm-0")),
            (14, READ_ONLY.format("dm-0")),
        ),
        ("blk_medium_error", "sda"),
        6,
        told=(("disk.ro", "/srv", CRITICAL, "/srv ro"),),
    ),
    Scenario(
        "the drive itself reports what the log shows",
        ((10, "sd 0:0:0:0: [sda] tag#5 Sense Key : Medium Error [current]"), (12, IO.format("sda"))),
        ("smart.pending", "/dev/sda"),
        3,
        told=(
            ("smart.pending", "/dev/sda", CRITICAL, "197 Current_Pending_Sector 16"),
            ("smart.realloc", "/dev/sda", WARN, "5 Reallocated_Sector_Ct 40"),
        ),
    ),
    Scenario(
        "a cable that damages data",
        (
            (10, "ata2.00: error: { ICRC ABRT }"),
            (10, "ata2.00: failed command: WRITE FPDMA QUEUED"),
            (12, IO.format("sdb")),
        ),
        ("smart.crc", "sdb"),
        3,
        told=(("smart.crc", "sdb", WARN, "199 UDMA_CRC_Error_Count 88"),),
    ),
    Scenario(
        "an NVMe controller resets",
        (
            (10, "nvme nvme0: I/O 128 QID 3 timeout, reset controller"),
            (12, "nvme nvme0: Device not ready; aborting reset, CSTS=0x1"),
            (13, IO.format("nvme0n1")),
            (14, "XFS (nvme0n1p1): log I/O error -5"),
            (140, "INFO: task xfsaild/nvme0n1p1:501 blocked for more than 120 seconds."),
        ),
        ("nvme_reset", "nvme0"),
        3,
    ),
    Scenario(
        "the slot of an NVMe drive is at fault",
        (
            (9, "pcieport 0000:00:1d.0: AER: Uncorrectable (Fatal) error message received from 0000:01:00.0"),
            (10, "nvme nvme0: controller is down; will reset: CSTS=0xffffffff, PCI_STATUS=0x10"),
            (13, IO.format("nvme0n1")),
            (14, EXT4.format("nvme0n1p1")),
        ),
        ("pcie_aer", "0000:00:1d.0"),
        3,
    ),
    Scenario(
        "an array loses a member",
        ((10, IO.format("sdb")), (11, "md/raid1:md0: Disk failure on sdb3, disabling device.")),
        ("blk_io_error", "sdb"),
        2,
        told=(("raid.md", "md0", CRITICAL, "md0 : active raid1 sda3[0] sdb3[1](F) [U_]"),),
    ),
    Scenario(
        "a USB disk is pulled while it is written",
        (
            (5, "usb-storage 2-1:1.0: USB Mass Storage device detected"),
            (50, "usb 2-1: USB disconnect, device number 4"),
            (50, IO.format("sdc")),
            (51, "Buffer I/O error on dev sdc1, logical block 0, lost async page write"),
            (52, EXT4.format("sdc1")),
        ),
        ("usb_disconnect_storage", "usb 2-1"),
        3,
    ),
    Scenario(
        "memory runs out and a database dies",
        ((100, OOM),),
        ("oom_kill", "mysqld"),
        2,
        told=(
            ("mem.oom", "mysqld", WARN, "oom_kill 1"),
            ("svc.failed", "mysql.service", CRITICAL, "mysql.service: Failed with result 'oom-kill'."),
        ),
        units={"mysql.service": 101},
    ),
    Scenario(
        "memory is short now and was before",
        ((900, OOM),),
        ("mem.avail", ""),
        3,
        told=(
            ("mem.avail", "", CRITICAL, "MemAvailable: 10 kB"),
            ("mem.psi", "", WARN, "full avg60=30"),
            ("svc.failed", "mysql.service", CRITICAL, "result oom-kill"),
        ),
        units={"mysql.service": 901},
    ),
    Scenario(
        "a container meets its limit",
        ((100, "Memory cgroup out of memory: Killed process 4711 (java) total-vm:9123456kB, anon-rss:1046528kB"),),
        ("cgroup_oom", "java"),
        1,
        told=(("svc.failed", "jenkins.service", WARN, "jenkins.service: Failed with result 'oom-kill'."),),
        units={"jenkins.service": 100.5},
    ),
    Scenario(
        "a link that comes and goes takes the names along",
        tuple((second, "tg3 0000:02:00.0 eth0: Link is down") for second in (700, 800, 900)),
        ("link_flap", "eth0"),
        3,
        told=(
            ("net.link", "eth0", WARN, "carrier_changes 12"),
            ("dns.resolver", "192.0.2.53", CRITICAL, "timeout"),
            ("time.server", "ntp.example.org", WARN, "no answer"),
        ),
    ),
    Scenario(
        "an adapter that hangs",
        (
            (800, "e1000e 0000:00:19.0 eth0: Detected Hardware Unit Hang:"),
            (805, "NETDEV WATCHDOG: eth0 (e1000e): transmit queue 0 timed out"),
            *((second, "e1000e 0000:00:19.0 eth0: NIC Link is Down") for second in (806, 850, 900)),
        ),
        ("nic_reset", "eth0"),
        2,
        told=(("dns.resolver", "192.0.2.53", CRITICAL, "timeout"),),
    ),
    Scenario(
        "a fan stops",
        ((500, "mce: CPU2: Core temperature above threshold, cpu clock throttled (total events = 17)"),),
        ("hw.fan", "fan1"),
        3,
        told=(
            ("hw.fan", "fan1", CRITICAL, "fan1_input 0"),
            ("hw.temp", "Core 2", CRITICAL, "temp3_input 101000"),
            ("cpu.throttle", "", WARN, "throttle 17"),
        ),
    ),
    Scenario(
        "a full disk stops services",
        (),
        ("disk.space", "/var"),
        2,
        told=(
            ("disk.space", "/var", CRITICAL, "used 100 %"),
            ("svc.failed", "nginx.service", WARN, "write() failed (28: No space left on device)"),
            (
                "svc.failed",
                "mysql.service",
                WARN,
                "Disk is full writing './binlog.000001' (OS errno 28 - No space left on device)",
            ),
        ),
    ),
    Scenario(
        "a module of memory fails for good",
        (
            (10, "EDAC MC0: 1 UE memory read error on DIMM_A1 (channel:0 slot:0 page:0x0 offset:0x0 grain:32)"),
            (10, "mce: [Hardware Error]: CPU 1: Machine Check Exception: 5 Bank 4: be00000000800400"),
            (11, "Memory failure: 0x12345: recovery action for dirty LRU page: Recovered"),
        ),
        ("edac_ue", "DIMM_A1"),
        4,
        told=(
            ("mem.edac_ue", "mc0", CRITICAL, "ue_count 1"),
            ("mem.hwcorrupt", "", CRITICAL, "HardwareCorrupted: 4 kB"),
        ),
    ),
    Scenario(
        "a driver crashes and a processor with it",
        (
            (10, "BUG: kernel NULL pointer dereference, address: 0000000000000008"),
            (11, "Oops: 0002 [#1] PREEMPT SMP PTI"),
            (35, "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [kworker/1:2:4711]"),
            (70, "rcu: INFO: rcu_sched self-detected stall on CPU"),
        ),
        ("oops", "kernel"),
        3,
        told=(("sys.taint", "", WARN, "4736"),),
    ),
    Scenario(
        "a host that steals the time",
        (
            (900, "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [java:812]"),
            (905, "rcu: INFO: rcu_sched self-detected stall on CPU"),
        ),
        ("cpu.steal", ""),
        2,
        told=(("cpu.steal", "", WARN, "steal 0.3"),),
    ),
    Scenario(
        "a table of connections is full",
        ((950, "nf_conntrack: nf_conntrack: table full, dropping packet"),),
        ("net.conntrack", ""),
        2,
        told=(("net.conntrack", "", CRITICAL, "65536 of 65536"), ("dns.resolver", "192.0.2.53", CRITICAL, "timeout")),
    ),
    Scenario(
        "a program that crashes in a loop",
        tuple(
            (10 + second, "httpd[4711]: segfault at 0 ip 00007f12 sp 00007ffe error 4 in libc.so.6[7f12+1a0000]")
            for second in range(6)
        ),
        ("segfault_storm", "httpd"),
        1,
        told=(("svc.failed", "httpd.service", CRITICAL, "Main process exited, code=dumped, status=11/SEGV"),),
        units={"httpd.service": 16},
    ),
    Scenario(
        "a disk whose place nobody told",
        (
            (10, "ata7: hard resetting link"),
            (12, IO.format("sdf")),
            (13, EXT4.format("dm-9")),
            (14, READ_ONLY.format("dm-9")),
        ),
        ("ata_link_reset", "ata7"),
        3,
        ties={},
    ),
    Scenario(
        "a service that stops when its disk does, without a word",
        ((10, IO.format("sda")), (12, READ_ONLY.format("sda1"))),
        ("blk_io_error", "sda"),
        2,
        told=(("svc.failed", "app.service", WARN, "ActiveState=failed"),),
        units={"app.service": 20},
    ),
    Scenario(
        "two disks fail, each for itself",
        ((10, "ata1: hard resetting link"), (12, IO.format("sda")), (500, IO.format("nvme0n1"))),
        ("ata_link_reset", "ata1"),
        1,
        apart=("blk_io_error",),
    ),
    Scenario(
        "a disk and a network link that have nothing to do with each other",
        ((10, IO.format("sda")), *((second, "tg3 0000:02:00.0 eth0: Link is down") for second in (700, 800, 900))),
        ("blk_io_error", "sda"),
        0,
        apart=("link_flap",),
    ),
    Scenario(
        "a service that failed before the disk did",
        ((500, IO.format("sda")), (501, READ_ONLY.format("sda1"))),
        ("blk_io_error", "sda"),
        1,
        told=(("svc.failed", "backup.service", WARN, "exit-code"),),
        units={"backup.service": 20},
        apart=("svc.failed",),
    ),
    Scenario(
        "a name server that fails while an unused port flaps",
        tuple((second, "tg3 0000:02:00.1 eth3: Link is down") for second in (700, 800, 900)),
        ("dns.resolver", "192.0.2.53"),
        0,
        told=(("dns.resolver", "192.0.2.53", CRITICAL, "timeout"),),
        apart=("link_flap",),
    ),
    Scenario(
        "a link that flapped long ago and a name server now",
        tuple((second, "tg3 0000:02:00.0 eth0: Link is down") for second in (700, 800, 900)),
        ("dns.resolver", "192.0.2.53"),
        0,
        told=(("dns.resolver", "192.0.2.53", CRITICAL, "timeout"),),
        apart=("link_flap",),
        now=90000.0,
    ),
    Scenario(
        "a killed process and a service that failed for its own reason",
        ((100, OOM),),
        ("oom_kill", "mysqld"),
        0,
        told=(("svc.failed", "certbot.service", WARN, "exit-code: 1/FAILURE"),),
        units={"certbot.service": 101},
        apart=("svc.failed",),
    ),
    # Written after the chains; ten of these twelve were right at once.
    Scenario(
        "a member, its array and the filesystem on it",
        (
            (10, "sd 1:0:0:0: [sdb] tag#3 FAILED Result: hostbyte=DID_NO_CONNECT driverbyte=DRIVER_OK cmd_age=0s"),
            (10, IO.format("sdb")),
            (11, "md/raid1:md0: Disk failure on sdb3, disabling device."),
            (12, EXT4.format("md0")),
            (12, READ_ONLY.format("md0")),
        ),
        ("scsi_timeout", "sdb"),
        6,
        told=(("raid.md", "md0", CRITICAL, "x"), ("disk.ro", "/data", CRITICAL, "ro")),
    ),
    Scenario(
        "an NVMe drive that reports itself",
        (
            (10, IO.format("nvme0n1")),
            (12, "XFS (nvme0n1p1): Metadata corruption detected at x"),
            (13, "XFS (nvme0n1p1): Corruption of in-memory data detected.  Shutting down filesystem"),
        ),
        ("nvme.critical", "nvme0n1"),
        2,
        told=(("nvme.critical", "nvme0n1", CRITICAL, "critical_warning 0x04"),),
    ),
    Scenario(
        "a controller that aborts requests",
        ((10, "sd 0:0:0:0: attempting task abort!scmd(0x0000)"), (11, IO.format("sda")), (12, EXT4.format("sda1"))),
        ("scsi_timeout", "0:0:0:0"),
        2,
    ),
    Scenario(
        "a container killed twice",
        (
            (100, "Memory cgroup out of memory: Killed process 1 (node) total-vm:1kB, anon-rss:1kB"),
            (200, "Memory cgroup out of memory: Killed process 2 (node) total-vm:1kB, anon-rss:1kB"),
        ),
        ("cgroup_oom", "node"),
        1,
        told=(("svc.failed", "web.service", CRITICAL, "Result=oom-kill"),),
        units={"web.service": 201},
    ),
    Scenario(
        "a dead name server and who needs it",
        (),
        ("dns.resolver", "192.0.2.53"),
        3,
        told=(
            ("dns.resolver", "192.0.2.53", CRITICAL, "timeout"),
            ("time.server", "ntp.example.org", WARN, "name"),
            ("time.sync", "", WARN, "unsync"),
            ("svc.failed", "apt-daily.service", WARN, "Could not resolve 'deb.debian.org'"),
        ),
    ),
    Scenario(
        "a mount unit whose disk is missing",
        (),
        ("disk.missing", "/srv"),
        1,
        told=(("disk.missing", "/srv", CRITICAL, "no such device"), ("svc.failed", "srv.mount", WARN, "failed")),
    ),
    Scenario(
        "a sector that btrfs misses",
        (
            (10, "ata2.00: error: { UNC }"),
            (11, IO.format("sdb")),
            (12, "BTRFS warning (device sdb1): csum failed root 5 ino 257 off 0 csum 0x1 expected csum 0x2 mirror 1"),
            (13, "BTRFS error (device sdb1): bdev /dev/sdb1 errs: wr 0, rd 1, flush 0, corrupt 0, gen 0"),
        ),
        ("blk_medium_error", "ata2"),
        2,
    ),
    Scenario(
        "a link that flaps and another that errs",
        tuple((s, "bnxt_en 0000:18:00.1 eth1: NIC Link is Down") for s in (700, 800, 900)),
        ("link_flap", "eth1"),
        2,
        told=(("net.link", "eth1", WARN, "x"), ("net.err", "eth1", WARN, "crc"), ("net.err", "eth0", WARN, "other")),
        apart=("net.err",),
    ),
    Scenario(
        "a module that erred a little and then for good",
        (
            (10, "EDAC MC0: 1 CE memory read error on DIMM_A1 (channel:0 slot:0 page:0x0 offset:0x0 grain:32)"),
            (50, "EDAC MC0: 1 UE memory read error on DIMM_A1 (channel:0 slot:0 page:0x0 offset:0x0 grain:32)"),
        ),
        ("edac_ue", "DIMM_A1"),
        3,
        told=(("mem.edac_ce", "mc0", WARN, "1"), ("mem.edac_ue", "mc0", CRITICAL, "1")),
    ),
    Scenario(
        "two tasks that hang, and nothing says why",
        (
            (500, "INFO: task java:2214 blocked for more than 120 seconds."),
            (500, "INFO: task nginx:2215 blocked for more than 120 seconds."),
        ),
        ("hung_task", "java"),
        0,
        apart=("hung_task",),
    ),
    Scenario(
        "a filesystem that errs on another disk",
        (
            (10, IO.format("sda")),
            (12, READ_ONLY.format("sda1")),
            (600, "EXT4-fs error (device nvme0n1p1): ext4_lookup:1: deleted inode referenced: 12"),
        ),
        ("blk_io_error", "sda"),
        1,
        apart=("fs_error",),
    ),
    Scenario(
        "heat and a full table",
        (
            (10, "mce: CPU2: Core temperature above threshold, cpu clock throttled (total events = 17)"),
            (900, "nf_conntrack: nf_conntrack: table full, dropping packet"),
        ),
        ("thermal_throttle", "CPU2"),
        0,
        apart=("conntrack_full",),
    ),
)
