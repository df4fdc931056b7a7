"""What looks like a fault and is none, for every check: each of these machines is well in the check's eyes."""

from __future__ import annotations

from google.protobuf.message import Message

from caseprobe.v1 import section_pb2 as pb
from caseprobe.v1.section_host_pb2 import Cgroup, CgroupsFacts
from tests.fakes_sections import GIB

NEAR: dict[str, tuple[str, Message]] = {
    "a few slow requests are chance": (
        "disk.await",
        pb.DisksFacts(
            disks=[pb.Disk(name="sda", kind="ssd", reads_per_second=40, await_seconds=0.3, reads_total=9)],
            sample_seconds=0.25,
        ),
    ),
    "one processor is judged as two": ("cpu.load", pb.CpuFacts(logical_total=1, load15=3.9)),
    "many faults with memory to spare are a program that starts": (
        "mem.majflt",
        pb.MemoryFacts(total_bytes=100, available_bytes=50, major_faults_per_second=5000),
    ),
    "a header without a fan": ("hw.fan", pb.SensorsFacts(fans=[pb.Fan(chip="x", label="fan3")])),
    "an input with nothing behind it": (
        "hw.temp",
        pb.SensorsFacts(temperatures=[pb.Temperature(chip="x", current_celsius=127)]),
    ),
    "a low battery that is being charged": (
        "hw.power",
        pb.SensorsFacts(power_supplies=[pb.PowerSupply(type="Battery", charge_ratio=0.03, status="Charging")]),
    ),
    "drops on a quiet line are the switch's chatter": (
        "net.drop",
        pb.InterfacesFacts(
            interfaces=[pb.Interface(name="eth0", kind="physical", received_packets_total=900, receive_drops_total=300)]
        ),
    ),
    "half duplex of a link that is down": (
        "net.link",
        pb.InterfacesFacts(interfaces=[pb.Interface(name="eth0", kind="physical", state="down", duplex="half")]),
    ),
    "retransmissions of a young machine": (
        "net.retrans",
        pb.SocketsFacts(segments_sent_total=200, segments_retransmitted_total=40),
    ),
    "an unlimited process": (
        "fd.process",
        pb.ProcessesFacts(top_open_files=[pb.Process(name="x", open_files_total=50_000)]),
    ),
    "modules from outside the kernel's tree": ("sys.taint", pb.SystemFacts(kernel_taint=1 << 12 | 1 << 13 | 1)),
    "an offset within the time of the exchange": (
        "time.offset",
        pb.ClockFacts(offset_seconds=0.4, round_trip_seconds=0.9),
    ),
    "one burst of interrupts on a machine that is all interrupts": (
        "cpu.softirq",
        pb.CpuFacts(logical_total=4, softirq_ratio=0.7, busiest_core_softirq_ratio=0.9),
    ),
    "as many open files as a busy server has": ("fd.system", pb.SystemFacts(open_files_total=69, open_files_limit=100)),
    "many tasks below the limit": ("pid.limit", pb.SystemFacts(tasks_total=89, tasks_limit=100)),
    "a machine that started a quarter of an hour ago": ("sys.reboot", pb.SystemFacts(uptime_seconds=900)),
    "a disk that is busy now and then": ("cpu.iowait", pb.CpuFacts(iowait_ratio=0.39, boot_iowait_ratio=0.3)),
    "a little time given to other guests": ("cpu.steal", pb.CpuFacts(steal_ratio=0.09, boot_steal_ratio=0.04)),
    "tasks that wait a third of the time": ("cpu.psi", pb.CpuFacts(pressure=pb.Pressure(some_avg60_ratio=0.39))),
    "a container that rarely meets its limit": (
        "cpu.cgquota",
        CgroupsFacts(groups=[Cgroup(path="/a", cpu_periods_total=1000, cpu_throttled_total=249)]),
    ),
    "a vulnerability that is mitigated": (
        "cpu.mitig",
        pb.CpuFacts(
            vulnerabilities=[pb.CpuVulnerability(name="mds", status="Mitigation: Clear buffers; SMT vulnerable")]
        ),
    ),
    "memory full of caches": ("mem.avail", pb.MemoryFacts(total_bytes=1000, free_bytes=5, available_bytes=101)),
    "tasks that rarely wait for memory": (
        "mem.psi",
        pb.MemoryFacts(total_bytes=1, pressure=pb.Pressure(full_avg60_ratio=0.09, full_avg10_ratio=0.9)),
    ),
    "no process killed since boot": ("mem.oom", pb.MemoryFacts(total_bytes=1, oom_kill_total=0)),
    "swap that is used and at rest": (
        "mem.swapused",
        pb.MemoryFacts(total_bytes=1, swap_total_bytes=100, swap_free_bytes=21),
    ),
    "memory without a broken page": ("mem.hwcorrupt", pb.MemoryFacts(total_bytes=1, hardware_corrupted_bytes=0)),
    "promises below the limit": (
        "mem.commit",
        pb.MemoryFacts(overcommit_mode=2, committed_bytes=94, commit_limit_bytes=100),
    ),
    "a container that uses most of its memory": (
        "mem.cglimit",
        CgroupsFacts(groups=[Cgroup(path="/a", memory_limit_bytes=100, memory_current_bytes=89, oom_kills_total=0)]),
    ),
    "a big filesystem at 90 % has room for weeks": (
        "disk.space",
        pb.FilesystemsFacts(
            filesystems=[
                pb.Filesystem(
                    mount_point="/srv",
                    device="/dev/sdb1",
                    measured=True,
                    total_bytes=1000 * GIB,
                    used_bytes=900 * GIB,
                    available_bytes=100 * GIB,
                )
            ]
        ),
    ),
    "a filesystem that makes inodes as it goes": (
        "disk.inodes",
        pb.FilesystemsFacts(filesystems=[pb.Filesystem(mount_point="/", type="btrfs", measured=True, inodes_total=0)]),
    ),
    "a filesystem that is meant to be read-only": (
        "disk.ro",
        pb.FilesystemsFacts(filesystems=[pb.Filesystem(mount_point="/boot", measured=True, read_only=True)]),
    ),
    "a moment of waiting for the disk": (
        "disk.psi",
        pb.DisksFacts(pressure=pb.Pressure(full_avg60_ratio=0.19, full_avg10_ratio=0.9)),
    ),
    "a hot spare is not a failed member": (
        "raid.md",
        pb.DisksFacts(arrays=[pb.Array(name="md0", level="raid1", state="active", members_total=2, members_active=2)]),
    ),
    "memory with error correction that had nothing to correct": (
        "mem.edac_ue",
        pb.HardwareFacts(memory_controllers=[pb.MemoryController(name="mc0", corrected_errors_total=3)]),
    ),
    "uncorrected errors are another check's": (
        "mem.edac_ce",
        pb.HardwareFacts(memory_controllers=[pb.MemoryController(name="mc0", uncorrected_errors_total=3)]),
    ),
    "a device that reported nothing": (
        "hw.pcie_aer",
        pb.HardwareFacts(pci_devices=[pb.PciDevice(slot="0000:00:01.0", aer_correctable_total=0)]),
    ),
    "four damaged packets of ten": (
        "net.err",
        pb.InterfacesFacts(
            interfaces=[pb.Interface(name="eth0", kind="physical", received_packets_total=6, receive_errors_total=4)]
        ),
    ),
    "a bond with all its members": (
        "net.bond",
        pb.InterfacesFacts(interfaces=[pb.Interface(name="bond0", bond_slaves_total=2, bond_slaves_active=2)]),
    ),
    "a busy firewall": ("net.conntrack", pb.SocketsFacts(conntrack_entries=74, conntrack_limit=100)),
    "a queue that holds somebody and turned nobody away": (
        "net.listen",
        pb.SocketsFacts(segments_sent_total=1, listening=[pb.ListeningSocket(port=80, queue_length=100)]),
    ),
    "memory of connections below the pressure mark": (
        "net.tcpmem",
        pb.SocketsFacts(tcp_memory_pages=9, tcp_memory_pressure_pages=10, tcp_memory_limit_pages=15),
    ),
    "nobody waits without end": ("proc.dstate", pb.ProcessesFacts(processes_total=90, uninterruptible_total=1)),
    "five zombies of a shell": (
        "proc.zombie",
        pb.ProcessesFacts(zombies_total=5, zombies=[pb.Process(pid=n, parent_pid=9) for n in range(1, 6)]),
    ),
    "errors in a log that are no known fault": (
        "log.kernel",
        pb.LogFacts(source="/dev/kmsg", lines_total=9, errors_total=4),
    ),
}
