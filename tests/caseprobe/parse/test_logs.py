"""Parsers of the kernel's ring and of syslog text, and the classes of faults in them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.parse.logs.faults import Fault, Message, classify, find_faults, newest
from caseprobe.parse.logs.kmsg import parse_kmsg
from caseprobe.parse.logs.ring import parse_ring_line
from caseprobe.parse.logs.syslog import parse_syslog_line, sounds_bad

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KMSG = (
    "6,1,0,-;Linux version 6.1.0-18-amd64\n"
    "3,812,12345678,-,caller=T1;ata1: COMRESET failed (errno=-16)\n SUBSYSTEM=ata\n DEVICE=+ata:1\n"
    "30,813,12400000,-;systemd[1]: Started x.service; a semicolon\n"
    "odd line\nx,y,z,-;no numbers\n"
)


def test_records_have_level_facility_and_time() -> None:
    """Device properties and odd lines are left out; a program's message is not the kernel's."""
    first, second, third = parse_kmsg(KMSG)
    assert (first.level, first.facility, first.seconds, first.text) == (6, 0, 0.0, "Linux version 6.1.0-18-amd64")
    assert (second.level, second.sequence, second.seconds) == (3, 812, 12.345678)
    assert (third.level, third.facility, third.text) == (6, 3, "systemd[1]: Started x.service; a semicolon")
    assert second.line() == "<3>[   12.345678] ata1: COMRESET failed (errno=-16)"


@pytest.mark.parametrize(
    ("line", "at", "program", "text"),
    [
        ("2026-11-22T01:02:03.123456+01:00 db7 sshd[812]: hello", "2026-11-22T00:02:03.123456+00:00", "sshd", "hello"),
        ("2026-11-22T01:02:03Z db7 kernel: [   12.5] ata1: x", "2026-11-22T01:02:03+00:00", "kernel", "ata1: x"),
        ("Nov 22 01:02:03 db7 kernel: ata1: x", "2026-11-21T23:02:03+00:00", "kernel", "ata1: x"),
        ("Dec  1 01:02:03 db7 CRON[7]: (root) CMD", "2025-11-30T23:02:03+00:00", "CRON", "(root) CMD"),
        ("<13>Nov 22 01:02:03 db7 tag: ", "2026-11-21T23:02:03+00:00", "tag", ""),
        ("2026-11-22 01:02:03 +0000 UTC kern.info kernel: ata1: x", "2026-11-22T01:02:03+00:00", "kernel", "ata1: x"),
        ("Nov 22 01:02:03 [kernel] [   12.5] ata1: x", "2026-11-21T23:02:03+00:00", "kernel", "ata1: x"),
        ("Nov 22 01:02:03 kernel: ata1: x", "2026-11-21T23:02:03+00:00", "kernel", "ata1: x"),
        ("Sun Nov 22 01:02:03 2026 kern.err kernel: [ 1.5] x", "2026-11-21T23:02:03+00:00", "kernel", "x"),
        ("1763769600.250000 db7 app[7]: x", "2025-11-22T00:00:00.250000+00:00", "app", "x"),
        ('<34>1 2026-11-22T01:02:03.5Z db7 su 77 ID47 [a@1 b="]"] x', "2026-11-22T01:02:03.500000+00:00", "su", "x"),
        ("Feb 29 01:02:03 db7 tag: x", "2024-02-28T23:02:03+00:00", "tag", "x"),
    ],
)
def test_both_forms_of_syslog_are_read(line: str, at: str, program: str, text: str) -> None:
    """The old form lacks year and zone: the year is the latest that is not after tomorrow, the zone two hours east."""
    entry = parse_syslog_line(line, NOW, 7200)
    assert entry is not None and entry.at is not None
    moment = datetime.fromtimestamp(entry.at, UTC).isoformat()
    assert (moment, entry.program, entry.text) == (at, program, text)


@pytest.mark.parametrize("line", ["", "just text", "Nov 22 db7 kernel: x", "\tat java.lang.Thread.run"])
def test_any_other_line_is_none(line: str) -> None:
    """A continuation belongs to nobody."""
    assert parse_syslog_line(line, NOW, 0) is None


@pytest.mark.parametrize(
    "line", ["Xyz 22 01:02:03 db7 a: b", "Nov 41 01:02:03 db7 a: b", "2026-13-01T01:02:03Z db7 a: b"]
)
def test_an_impossible_time_is_no_time(line: str) -> None:
    """The line itself is read."""
    entry = parse_syslog_line(line, NOW, 0)
    assert entry is not None and entry.at is None


def test_words_stand_in_for_levels() -> None:
    """Whole words only, in a line of lower case."""
    assert sounds_bad("job failed") == "error"
    assert sounds_bad("warning: disk") == "warning"
    assert sounds_bad("mirrored terrors of prewarning") == ""


FAULTS = [
    ("Out of memory: Killed process 812 (mysqld) total-vm:18273644kB, anon-rss:15982340kB", "oom_kill", "mysqld"),
    ("Out of memory: Kill process 812 (chrome) score 900 or sacrifice child", "oom_kill", "chrome"),
    ("Memory cgroup out of memory: Killed process 4711 (java) total-vm:9123456kB", "cgroup_oom", "java"),
    ("Memory cgroup out of memory: Kill process 4711 (java) score 1901 or sacrifice child", "cgroup_oom", "java"),
    ("BUG: Bad page state in process kworker/0:1  pfn:12345", "bad_page", "kworker/0:1"),
    ("BUG: Bad rss-counter state mm:00000000deadbeef type:MM_FILEPAGES val:1", "bad_page", ""),
    ("INFO: task jbd2/sda1-8:288 blocked for more than 120 seconds.", "hung_task", "jbd2/sda1-8"),
    ("INFO: task kworker/u8:2:77 blocked for more than 241 seconds.", "hung_task", "kworker/u8:2"),
    ("watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [kworker/1:2:4711]", "soft_lockup", "CPU#1"),
    ("NMI watchdog: BUG: soft lockup - CPU#3 stuck for 23s! [java:812]", "soft_lockup", "CPU#3"),
    ("NMI watchdog: Watchdog detected hard LOCKUP on cpu 3", "hard_lockup", "cpu 3"),
    ("rcu: INFO: rcu_sched self-detected stall on CPU", "rcu_stall", "rcu_sched"),
    ("rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:", "rcu_stall", "rcu_preempt"),
    ("rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: {", "rcu_stall", "rcu_preempt"),
    ("BUG: kernel NULL pointer dereference, address: 0000000000000008", "oops", "kernel"),
    ("BUG: unable to handle page fault for address: ffffb2d0c0e5b000", "oops", "kernel"),
    ("kernel BUG at fs/ext4/inode.c:2721!", "oops", "kernel"),
    ("Oops: 0002 [#1] PREEMPT SMP PTI", "oops", "kernel"),
    (
        "general protection fault, probably for non-canonical address 0xdead000000000108: 0000 [#1] SMP",
        "oops",
        "kernel",
    ),
    ("Unable to handle kernel NULL pointer dereference at virtual address 0000000000000008", "oops", "kernel"),
    ("Internal error: Oops: 0000000096000004 [#1] SMP", "oops", "kernel"),
    ("Kernel panic - not syncing: Fatal exception in interrupt", "oops", "kernel"),
    (
        "EDAC MC0: 1 CE memory read error on CPU_SrcID#0_MC#0_Chan#1_DIMM#0 (channel:1 slot:0 page:0x1)",
        "edac_ce",
        "CPU_SrcID#0_MC#0_Chan#1_DIMM#0",
    ),
    ("EDAC MC1: 1 UE memory read error on any memory ( page:0x0 offset:0x0 grain:32)", "edac_ue", "MC1"),
    (
        'EDAC MC0: CE page 0x3d5c, offset 0x0, grain 0, row 1, channel 0, label "DIMM_B1": amd64_edac',
        "edac_ce",
        "DIMM_B1",
    ),
    ("CPU2: Core temperature above threshold, cpu clock throttled (total events = 17)", "thermal_throttle", "CPU2"),
    (
        "CPU0: Package temperature is above threshold, cpu clock is throttled (total events = 1)",
        "thermal_throttle",
        "CPU0",
    ),
    ("thermal thermal_zone0: acpitz: critical temperature reached, shutting down", "thermal_throttle", "thermal_zone0"),
    ("mce: [Hardware Error]: CPU 1: Machine Check Exception: 5 Bank 4: be00000000800400", "mce_ue", "CPU 1"),
    ("mce: [Hardware Error]: CPU 0: Machine Check: 0 Bank 7: 8c00004000010091", "mce_ce", "CPU 0"),
    ("mce: [Hardware Error]: Machine check events logged", "mce_ce", "kernel"),
    ("{1}[Hardware Error]: event severity: corrected", "mce_ce", "kernel"),
    ("{2}[Hardware Error]: event severity: fatal", "mce_ue", "kernel"),
    ("[Hardware Error]: Corrected error, no action required.", "mce_ce", "kernel"),
    ("pcieport 0000:00:1c.0: AER: Corrected error received: 0000:01:00.0", "pcie_aer", "0000:00:1c.0"),
    (
        "pcieport 0000:00:1c.0: AER: Multiple Uncorrected (Non-Fatal) error received: 0000:01:00.0",
        "pcie_aer",
        "0000:00:1c.0",
    ),
    ("nvme 0000:01:00.0: PCIe Bus Error: severity=Corrected, type=Physical Layer", "pcie_aer", "0000:01:00.0"),
    ("EXT4-fs (sda1): Remounting filesystem read-only", "fs_remount_ro", "sda1"),
    ("FAT-fs (sdb1): Filesystem has been set read-only", "fs_remount_ro", "sdb1"),
    ("BTRFS info (device sdc: state EA): forced readonly", "fs_remount_ro", "sdc"),
    ("EXT4-fs error (device dm-0): ext4_find_entry:1463: inode #2: comm ls: reading directory", "fs_error", "dm-0"),
    ("EXT4-fs (sda1): error count since last fsck: 5", "fs_error", "sda1"),
    ("EXT4-fs (sda1): I/O error while writing superblock", "fs_error", "sda1"),
    ("Aborting journal on device sda1-8.", "fs_error", "sda1"),
    ("JBD2: Detected IO errors while flushing file data on dm-0-8", "fs_error", "dm-0"),
    ("JBD2: I/O error when updating journal superblock for sda1-8.", "fs_error", "sda1"),
    ("XFS (dm-1): Metadata corruption detected at xfs_agi_verify+0x4a/0x120 [xfs]", "fs_error", "dm-1"),
    ("XFS (sdb): log I/O error -5", "fs_error", "sdb"),
    ("BTRFS error (device sdc): bdev /dev/sdc errs: wr 0, rd 1, flush 0, corrupt 0, gen 0", "fs_error", "sdc"),
    ("BTRFS warning (device sdc): csum failed root 5 ino 257 off 0 csum 0x1 expected csum 0x2", "fs_error", "sdc"),
    ("FAT-fs (sdb1): error, fat_get_cluster: invalid cluster chain", "fs_error", "sdb1"),
    ("blk_update_request: I/O error, dev sda, sector 2048 op 0x0:(READ) flags 0x0", "blk_io_error", "sda"),
    ("I/O error, dev nvme0n1, sector 4096 op 0x1:(WRITE) flags 0x800", "blk_io_error", "nvme0n1"),
    ("critical medium error, dev sdb, sector 1234 op 0x0:(READ)", "blk_medium_error", "sdb"),
    ("Buffer I/O error on dev sda1, logical block 0, async page read", "blk_io_error", "sda1"),
    ("Buffer I/O error on device dm-3, logical block 7", "blk_io_error", "dm-3"),
    ("ata1.00: exception Emask 0x10 SAct 0x0 SErr 0x4050000 action 0xe frozen", "ata_link_reset", "ata1"),
    ("ata3: hard resetting link", "ata_link_reset", "ata3"),
    ("ata3.00: failed command: READ FPDMA QUEUED", "ata_link_reset", "ata3"),
    ("nvme nvme0: I/O 128 QID 3 timeout, reset controller", "nvme_reset", "nvme0"),
    ("nvme nvme1: controller is down; will reset: CSTS=0xffffffff, PCI_STATUS=0x10", "nvme_reset", "nvme1"),
    ("nvme nvme0: Device not ready; aborting reset, CSTS=0x1", "nvme_reset", "nvme0"),
    ("sd 2:0:0:0: [sdb] tag#12 FAILED Result: hostbyte=DID_TIME_OUT driverbyte=DRIVER_OK", "scsi_timeout", "sdb"),
    ("sd 2:0:0:0: rejecting I/O to offline device", "scsi_timeout", "2:0:0:0"),
    ("NETDEV WATCHDOG: eth0 (e1000e): transmit queue 0 timed out", "nic_reset", "eth0"),
    ("e1000e 0000:00:19.0 eno1: NETDEV WATCHDOG: CPU: 3: transmit queue 0 timed out 5120 ms", "nic_reset", "eno1"),
    ("e1000e 0000:00:19.0 eno1: Detected Hardware Unit Hang:", "nic_reset", "eno1"),
    ("nf_conntrack: nf_conntrack: table full, dropping packet", "conntrack_full", "nf_conntrack"),
    ("httpd[4711]: segfault at 0 ip 00007f12 sp 00007ffe error 4 in libc.so.6[7f12+1a0000]", "segfault", "httpd"),
    ("traps: my app[12] general protection fault ip:7f12 sp:7ffe error:0 in libx.so[7f12+1000]", "segfault", "my app"),
    ("e1000e: eth0 NIC Link is Down", "link_down", "eth0"),
    ("igb 0000:01:00.0 enp1s0: igb: enp1s0 NIC Link is Down", "link_down", "enp1s0"),
    ("tg3 0000:02:00.0 eth1: Link is down", "link_down", "eth1"),
    ("mlx5_core 0000:3b:00.0 ens1f0np0: Link down", "link_down", "ens1f0np0"),
    ("bnx2 0000:03:00.0 eth2: NIC Copper Link is Down", "link_down", "eth2"),
    ("bond0: (slave eth1): link status definitely down, disabling slave", "link_down", "eth1"),
]
HEALTHY = [
    "ata5: SATA link down (SStatus 0 SControl 300)",
    "ata1: SATA link up 6.0 Gbps (SStatus 133 SControl 300)",
    "nvme nvme0: Shutdown timeout set to 8 seconds",
    "nvme nvme0: 8/0/0 default/read/poll queues",
    "EXT4-fs (sda1): mounted filesystem with ordered data mode. Opts: errors=remount-ro",
    "EXT4-fs (sda1): re-mounted. Opts: (null)",
    "XFS (dm-1): Mounting V5 Filesystem",
    "XFS (dm-1): Ending clean mount",
    "BTRFS info (device sdc): using crc32c (crc32c-intel) checksum algorithm",
    "BTRFS warning (device sdc): excessive commit interval 500",
    "pcieport 0000:00:1c.0: AER: enabled with IRQ 122",
    "mce: CPU0: Thermal monitoring enabled (TM1)",
    "mce: CPU supports 20 MCE banks",
    "CPU2: Core temperature/speed normal",
    "EDAC MC0: Giving out device to module skx_edac controller Skylake Socket#0 IMC#0: DEV 0000:3a:0a.0 (INTERRUPT)",
    "EDAC MC: Ver: 3.0.0",
    "systemd[1]: Out of memory handling enabled",
    "oom_reaper: reaped process 812 (mysqld), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
    "rcu: Hierarchical SRCU implementation.",
    "NMI watchdog: Enabled. Permanently consumes one hw-PMU counter.",
    "e1000e 0000:00:19.0 eno1: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: Rx/Tx",
    "nf_conntrack version 0.5.0 (65536 buckets, 262144 max)",
    "blk_update_request: I/O error, dev fd0, sector 0 op 0x0:(READ) flags 0x0",
    "Buffer I/O error on dev sr0, logical block 0, async page read",
    "traps: chrome[12] trap int3 ip:55d sp:7ff error:0 in chrome[55d+1]",
    "ACPI BIOS Error (bug): Could not resolve symbol",
    "BIOS-provided physical RAM map:",
    "x86/fpu: Supporting XSAVE feature 0x001: 'x87 floating point registers'",
    "pcieport 0000:00:01.0: pciehp: Slot(0): Link Down",
    "IPv6: ADDRCONF(NETDEV_UP): eth0: link is not ready",
    "sd 0:0:0:0: [sda] Attached SCSI disk",
    "sd 0:0:0:0: [sda] Mode Sense: 00 3a 00 00",
]


@pytest.mark.parametrize(("text", "fault_class", "subject"), FAULTS)
def test_a_fault_has_its_class_and_object(text: str, fault_class: str, subject: str) -> None:
    """The kernel's own messages, old and new, each with what it names."""
    assert classify(text) == (fault_class, subject)


@pytest.mark.parametrize("text", HEALTHY)
def test_a_healthy_machine_has_no_fault(text: str) -> None:
    """What every boot writes is not one."""
    assert classify(text) is None


@given(st.text())
def test_any_text_is_classified(text: str) -> None:
    """Text that nobody expected is no fault, and no failure; nor is it for the parsers."""
    classify(text)
    parse_kmsg(text)
    parse_syslog_line(text, NOW, 0)


def messages(text: str, *seconds: float | None) -> list[Message]:
    """The same message at several moments."""
    return [Message(line, at, text) for line, at in enumerate(seconds, start=1)]


def classes(faults: list[Fault]) -> list[tuple[str, str, int]]:
    """Class, object and line."""
    return [(fault.fault_class, fault.object, fault.message.line) for fault in faults]


def test_a_crash_is_a_crash_and_five_are_a_storm() -> None:
    """Five of one program within ten minutes; slower ones stay single."""
    crash = "httpd[4711]: segfault at 0 ip 00007f12"
    assert classes(find_faults(messages(crash, 1.0))) == [("segfault", "httpd", 1)]
    assert {name for name, _, _ in classes(find_faults(messages(crash, 0, 100, 200, 300, 600)))} == {"segfault_storm"}
    assert {name for name, _, _ in classes(find_faults(messages(crash, 0, 300, 600, 900, 1200)))} == {"segfault"}


def test_a_link_flaps_when_it_falls_again_and_again() -> None:
    """One fall is a boot or a pulled cable; without times nothing can be said."""
    down = "tg3 0000:02:00.0 eth1: Link is down"
    assert find_faults(messages(down, 0, 3000)) == []
    assert classes(find_faults(messages(down, 0, 1800, 3600))) == [("link_flap", "eth1", n) for n in (1, 2, 3)]
    assert find_faults(messages(down, None, None, None)) == []


def test_a_flood_hides_no_other_fault() -> None:
    """The newest come first, each class and object has its share, and all have a limit."""
    flood = [Fault("blk_io_error", "sda", Message(line, 0.0, "x")) for line in range(10, 100)]
    rare = Fault("oops", "kernel", Message(1, 0.0, "x"))
    kept = newest([rare, *flood], at_most=200, of_each=50)
    assert len(kept) == 51
    assert (kept[0].message.line, kept[-1].fault_class) == (99, "oops")
    assert len(newest(flood, at_most=5, of_each=50)) == 5


@pytest.mark.parametrize(
    ("line", "text", "seconds", "level", "kernel"),
    [
        ("[    2.500000] ata1: x", "ata1: x", 2.5, None, True),
        ("<3>[    2.500000] ata1: x", "ata1: x", 2.5, 3, True),
        ("<30>[    2.500000] systemd[1]: x", "x", 2.5, 6, False),
        ("[    2.500000] systemd[1]: x", "x", 2.5, None, False),
        ("[    2.500000][    T1] ata1: x", "ata1: x", 2.5, None, True),
        ("[    2.500000 <    0.000012>] ata1: x", "ata1: x", 2.5, None, True),
        ("[Sun Nov 22 04:30:00 2026] ata1: x", "ata1: x", None, None, True),
        ("[Nov22 04:30] ata1: x", "ata1: x", None, None, True),
        ("[  +0.000012] ata1: x", "ata1: x", None, None, True),
        ("2026-11-22T04:30:00,123456+00:00 ata1: x", "ata1: x", None, None, True),
        ("kern  :err   : [    2.500000] ata1: x", "ata1: x", 2.5, 3, True),
        ("daemon:info  : [    2.500000] ata1: x", "ata1: x", 2.5, 6, False),
        ("[    2.500000] app[7]: segfault at 0 ip 0", "app[7]: segfault at 0 ip 0", 2.5, None, True),
    ],
)
def test_dmesg_is_read_in_all_its_forms(
    line: str, text: str, seconds: float | None, level: int | None, kernel: bool
) -> None:
    """What a program wrote into the ring is not the kernel's, told or seen by its form."""
    entry = parse_ring_line(line)
    assert entry is not None
    assert (entry.text, entry.seconds, entry.level, entry.kernel) == (text, seconds, level, kernel)


def test_a_wall_clock_in_dmesg_is_a_moment() -> None:
    """In the zone that the machine has, or that the line tells."""
    for line in ("[Sun Nov 22 04:30:00 2026] x", "2026-11-22T04:30:00,000000+02:00 x"):
        entry = parse_ring_line(line, 7200)
        assert entry is not None and entry.at == datetime(2026, 11, 22, 2, 30, tzinfo=UTC).timestamp()


def test_a_kill_is_told_once() -> None:
    """Kernels before 5.0 write two lines for one; a line alone is a kill of its own; a cgroup's stays a cgroup's."""
    why = Message(1, 1.0, "Memory cgroup out of memory: Kill process 7 (java) score 1901 or sacrifice child")
    killed = Message(2, 1.1, "Killed process 7 (java) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB")
    assert classes(find_faults([why, killed])) == [("cgroup_oom", "java", 1)]
    assert classes(find_faults([killed])) == [("oom_kill", "java", 2)]


def test_a_usb_disk_that_goes_away_at_rest_is_no_fault() -> None:
    """Nor is a mouse that does while another disk errs."""
    storage = Message(1, 1.0, "usb-storage 2-1:1.0: USB Mass Storage device detected")
    gone = [Message(2, 50.0, "usb 2-1: USB disconnect, device number 4")]
    mouse = [Message(2, 50.0, "usb 1-4: USB disconnect, device number 5")]
    error = Message(3, 51.0, "I/O error, dev sda, sector 4096 op 0x1:(WRITE) flags 0x800")
    assert classes(find_faults([storage, *gone])) == []
    assert [name for name, _, _ in classes(find_faults([storage, *mouse, error]))] == ["blk_io_error"]
    assert classes(find_faults([storage, *gone, error]))[0] == ("usb_disconnect_storage", "usb 2-1", 2)
