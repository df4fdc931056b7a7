"""Sections of a machine that is well, and for each check the same section with a fault in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from google.protobuf.message import Message

from caseprobe.v1 import path_load_pb2, path_pb2
from caseprobe.v1 import section_net_pb2 as net
from caseprobe.v1 import section_pb2 as pb
from caseprobe.v1 import section_storage_pb2 as storage
from tests.fakes_host import WELL_HOST
from tests.fakes_sections import GIB, section
from tests.fakes_smart_disks import WELL_SMART


@dataclass(frozen=True)
class Fault:
    """What one check must say, in English, about one section: state, object and summary of each finding.

    earlier: the same machine's sections before it, newest first, step_seconds between any two.
    """

    check_id: str
    section: pb.Section
    expected: tuple[tuple[str, str, str], ...]
    earlier: tuple[pb.Section, ...] = ()
    step_seconds: float = 1800.0


MIB = 1 << 20
WELL_CPU = pb.CpuFacts(
    model="Example CPU",
    logical_total=4,
    load1=0.2,
    load5=0.1,
    load15=0.1,
    sample_seconds=0.25,
    idle_ratio=0.95,
    pressure=pb.Pressure(some_avg60_ratio=0.01),
    busy_seconds_total=500,
    all_seconds_total=10_000,
    throttle_total=0,
    frequency_policies=[pb.FrequencyPolicy(name="policy0", limit_hertz=3e9, hardware_hertz=3e9)],
    vulnerabilities=[pb.CpuVulnerability(name="meltdown", status="Not affected")],
)
WELL_MEMORY = pb.MemoryFacts(
    total_bytes=16 * GIB,
    available_bytes=10 * GIB,
    swap_total_bytes=2 * GIB,
    swap_free_bytes=2 * GIB,
    committed_bytes=4 * GIB,
    commit_limit_bytes=10 * GIB,
    overcommit_mode=2,
    hardware_corrupted_bytes=0,
    oom_kill_total=0,
    major_faults_per_second=3,
    pressure=pb.Pressure(),
    large_free_blocks_total=400,
)
WELL_FILESYSTEMS = pb.FilesystemsFacts(
    filesystems=[
        pb.Filesystem(
            mount_point="/",
            device="/dev/sda1",
            type="ext4",
            measured=True,
            fstab_writable=True,
            total_bytes=100 * GIB,
            used_bytes=40 * GIB,
            available_bytes=55 * GIB,
            inodes_total=6_000_000,
            inodes_available=5_500_000,
        )
    ],
    expected=[storage.ExpectedMount(mount_point="/", device="UUID=1", mounted=True)],
)
WELL_DISKS = pb.DisksFacts(
    disks=[
        pb.Disk(name="sda", kind="ssd", reads_total=9000, boot_await_seconds=0.001),
        pb.Disk(name="sdb", kind="hdd", reads_total=9000, boot_await_seconds=0.006),
    ],
    arrays=[pb.Array(name="md0", level="raid5", members_total=3, members_active=3, mismatches_total=0)],
    sample_seconds=0.25,
    pressure=pb.Pressure(),
)
WELL_HARDWARE = pb.HardwareFacts(
    vendor="Example",
    memory_controllers=[pb.MemoryController(name="mc0")],
    pci_devices=[pb.PciDevice(slot="0000:01:00.0", driver="nvme", aer_correctable_total=0, aer_uncorrectable_total=0)],
)
WELL_SENSORS = pb.SensorsFacts(
    temperatures=[pb.Temperature(chip="coretemp", label="Core 0", current_celsius=45, high_celsius=84)],
    fans=[pb.Fan(chip="nct6775", label="fan1", rotations_per_minute=900, minimum_rotations_per_minute=300)],
    voltages=[storage.Voltage(chip="nct6775", label="in0", volts=1.1, minimum_volts=0.9, maximum_volts=1.5)],
    power_supplies=[pb.PowerSupply(name="BAT0", type="Battery", charge_ratio=0.9, health_ratio=0.95, status="Full")],
)
WELL_INTERFACES = pb.InterfacesFacts(
    interfaces=[
        pb.Interface(name="lo", kind="loopback", state="unknown"),
        pb.Interface(
            name="eth0",
            kind="physical",
            state="up",
            duplex="full",
            speed_bits_per_second=1e9,
            received_packets_total=1_000_000,
            sent_packets_total=500_000,
            carrier_changes_total=2,
        ),
        pb.Interface(name="bond0", kind="bond", state="up", bond_slaves_total=2, bond_slaves_active=2),
    ]
)
WELL_SOCKETS = pb.SocketsFacts(
    tcp_memory_pages=100,
    tcp_memory_pressure_pages=10_000,
    tcp_memory_limit_pages=15_000,
    segments_sent_total=1_000_000,
    segments_retransmitted_total=100,
    conntrack_entries=100,
    conntrack_limit=65_536,
    softnet_dropped_total=0,
    softnet_squeezed_total=2,
    ephemeral_ports_total=28_232,
    busiest_destination_connections_total=12,
)
WELL_VOLUMES = storage.VolumesFacts(
    pools=[storage.Pool(name="tank", state="ONLINE", size_bytes=100 * GIB, allocated_bytes=50 * GIB)],
    btrfs=[
        storage.Btrfs(
            name="data",
            devices=[storage.BtrfsDevice(name="sdb1")],
            size_bytes=100 * GIB,
            allocated_bytes=60 * GIB,
            metadata_total_bytes=GIB,
            metadata_used_bytes=GIB // 2,
        )
    ],
    thin_pools=[storage.ThinPool(name="vg0/pool0", size_bytes=100 * GIB, data_ratio=0.4, metadata_ratio=0.1)],
    multipaths=[storage.Multipath(name="mpatha", paths_total=4, paths_active=4)],
)
WELL_WIRELESS = net.WirelessFacts(
    links=[
        net.RadioLink(
            name="wlan0",
            connected=True,
            signal_dbm=-55,
            joined_seconds=7200,
            sent_bits_per_second=866e6,
            sent_packets_total=90_000,
            retries_total=900,
        )
    ]
)
WELL_ROUTES = pb.RoutesFacts(
    routes=[
        pb.Route(destination="default", gateway="192.0.2.1", interface="eth0", family=4),
        pb.Route(destination="10.8.0.0/24", interface="wg0", family=4),
    ],
    tunnels=[net.Tunnel(name="wg0", driver="wireguard", state="unknown", mtu_bytes=1420)],
    mtu_bytes=[1500, 1420],
)
WELL_PROCESSES = pb.ProcessesFacts(
    processes_total=120,
    available_memory_bytes=10 * GIB,
    top_open_files=[pb.Process(pid=1, name="init", open_files_total=40, open_files_limit=1024)],
)
WELL_SYSTEM = pb.SystemFacts(
    system="linux",
    uptime_seconds=86_400,
    open_files_total=1000,
    open_files_limit=800_000,
    tasks_total=200,
    tasks_limit=32_768,
)
_HELD_LITTLE = storage.DeletedFilesFacts(
    held=[storage.HeldSpace(mount_point="/", total_bytes=100 * GIB, held_bytes=MIB)]
)
WELL = (
    section("system", system=WELL_SYSTEM),
    section("cpu", cpu=WELL_CPU),
    section("memory", memory=WELL_MEMORY),
    section("filesystems", filesystems=WELL_FILESYSTEMS),
    section("disks", disks=WELL_DISKS),
    section("hardware", hardware=WELL_HARDWARE),
    section("sensors", sensors=WELL_SENSORS),
    section("interfaces", interfaces=WELL_INTERFACES),
    section("sockets", sockets=WELL_SOCKETS),
    section("processes", processes=WELL_PROCESSES),
    section("volumes", volumes=WELL_VOLUMES),
    section("wireless", wireless=WELL_WIRELESS),
    section("routes", routes=WELL_ROUTES),
    section("deleted_files", deleted_files=_HELD_LITTLE),
    section("ipmi", ipmi=storage.IpmiFacts(sensors=[storage.IpmiSensor(name="CPU Temp", value="45", state="ok")])),
    section("kernel_log", kernel_log=pb.LogFacts(source="/dev/kmsg", lines_total=500)),
    section("system_log", system_log=pb.LogFacts(source="journal", lines_total=500)),
    *WELL_HOST,
    *WELL_SMART,
    section(
        "path", path=path_pb2.PathFacts(loaded=path_load_pb2.LoadFacts(verdict=path_load_pb2.LoadVerdict(grade="A")))
    ),
    section("clock", clock=pb.ClockFacts(offset_seconds=0.002, round_trip_seconds=0.01)),
)


def holding(facts: Message) -> pb.Section:
    """A section whose probe's name is the field that holds facts of this type."""
    name = next(
        field.name
        for field in pb.Section.DESCRIPTOR.oneofs_by_name["facts"].fields
        if field.message_type is facts.DESCRIPTOR
    )
    return section(name, **{name: facts})


def fault(
    check_id: str,
    facts: Message,
    expected: tuple[str, str, str],
    *more: tuple[str, str, str],
    earlier: Iterable[Message] = (),
    step_seconds: float = 1800.0,
) -> Fault:
    """A fault in a section; earlier: the same facts before, newest first, step_seconds apart."""
    return Fault(check_id, holding(facts), (expected, *more), tuple(holding(one) for one in earlier), step_seconds)


def _process(count: int, **given: object) -> list[pb.Process]:
    return [pb.Process(pid=100 + number, **given) for number in range(count)]  # type: ignore[arg-type]


_RAID = pb.Array(name="md0", level="raid1", members_total=2, members_active=1)
_REBUILDING = pb.Array(name="md0", level="raid1", members_total=2, members_active=1, recovery_ratio=0.42)
_SPARE = pb.Array(name="md0", level="raid5", members_total=3, members_active=3, failed_members=["sdc1"])
_RESYNC = pb.Array(name="md0", level="raid1", members_total=2, members_active=2, recovery_ratio=0.07)
_BUSY = pb.Disk(
    name="sda", kind="ssd", reads_per_second=400, await_seconds=0.15, reads_total=999, boot_await_seconds=0.001
)
_SLOW = pb.Disk(name="sdb", kind="hdd", reads_total=9999, boot_await_seconds=0.25)
FAULTS = (
    fault(
        "cpu.load",
        pb.CpuFacts(logical_total=4, load1=9, load5=9, load15=8.5),
        ("warn", "", "Load is 9, 9, 8.5 (1, 5, 15 min) on 4 CPUs"),
    ),
    fault(
        "cpu.iowait",
        pb.CpuFacts(iowait_ratio=0.6, boot_iowait_ratio=0.25),
        ("warn", "", "Processors wait for disks 60% of the time (25% since boot)"),
    ),
    fault(
        "cpu.iowait",
        pb.CpuFacts(iowait_ratio=0.6, boot_iowait_ratio=0.01),
        ("info", "", "Processors wait for disks 60% of the time (1.0% since boot)"),
    ),
    fault(
        "cpu.steal",
        pb.CpuFacts(steal_ratio=0.0, boot_steal_ratio=0.12),
        ("warn", "", "The hypervisor withholds 0% of the processor time (12% since boot)"),
    ),
    fault(
        "cpu.psi",
        pb.CpuFacts(pressure=pb.Pressure(some_avg60_ratio=0.81)),
        ("warn", "", "Tasks waited for a processor 81% of the last minute"),
    ),
    fault(
        "cpu.psi",
        pb.CpuFacts(pressure=pb.Pressure(some_avg60_ratio=0.5)),
        ("info", "", "Tasks waited for a processor 50% of the last minute"),
    ),
    fault(
        "cpu.softirq",
        pb.CpuFacts(logical_total=8, softirq_ratio=0.12, busiest_core_softirq_ratio=0.93),
        ("warn", "", "One processor spends 93% of its time on interrupts, all together 12%"),
    ),
    fault(
        "cpu.mitig",
        pb.CpuFacts(
            vulnerabilities=[
                pb.CpuVulnerability(name="mds", status="Vulnerable: Clear CPU buffers attempted, no microcode"),
                pb.CpuVulnerability(name="meltdown", status="Mitigation: PTI"),
            ]
        ),
        ("info", "", "1 processor vulnerability is not mitigated: mds"),
    ),
    fault(
        "mem.avail",
        pb.MemoryFacts(total_bytes=8 * GIB, available_bytes=320 * MIB),
        ("critical", "", "Only 3.9% of memory is available (320 MiB of 8.0 GiB)"),
    ),
    fault(
        "mem.psi",
        pb.MemoryFacts(pressure=pb.Pressure(full_avg60_ratio=0.2)),
        ("warn", "", "Everything stood still for lack of memory 20% of the last minute"),
    ),
    fault(
        "mem.majflt",
        pb.MemoryFacts(total_bytes=100, available_bytes=4, major_faults_per_second=1500),
        ("critical", "", "1,500 pages a second are read back from disk with 4.0% of memory available"),
    ),
    fault(
        "mem.oom",
        pb.MemoryFacts(oom_kill_total=1),
        ("warn", "", "The kernel killed 1 process for lack of memory since the machine started"),
    ),
    fault(
        "mem.swapused",
        pb.MemoryFacts(swap_total_bytes=2 * GIB, swap_free_bytes=GIB // 10, swap_in_bytes_per_second=9e5),
        ("critical", "", "95% of swap is in use (1.9 GiB of 2.0 GiB)"),
    ),
    fault(
        "mem.swapused",
        pb.MemoryFacts(swap_total_bytes=2 * GIB, swap_free_bytes=0, swap_in_bytes_per_second=0),
        ("info", "", "100% of swap is in use (2.0 GiB of 2.0 GiB)"),
    ),
    fault(
        "mem.swapused",
        pb.MemoryFacts(
            swap_total_bytes=2 * GIB, swap_free_bytes=0, swap_in_bytes_per_second=9e8, swap_in_memory_bytes=2 * GIB
        ),
        ("info", "", "100% of swap is in use (2.0 GiB of 2.0 GiB)"),
    ),
    fault(
        "mem.hwcorrupt",
        pb.MemoryFacts(hardware_corrupted_bytes=4096),
        ("critical", "", "The hardware reported 4.0 KiB of memory as broken"),
    ),
    fault(
        "mem.commit",
        pb.MemoryFacts(overcommit_mode=2, committed_bytes=96, commit_limit_bytes=100),
        ("warn", "", "96% of the memory that may be promised is promised (96 B of 100 B)"),
    ),
    fault(
        "disk.space",
        pb.FilesystemsFacts(
            filesystems=[
                pb.Filesystem(
                    mount_point="/var",
                    type="ext4",
                    measured=True,
                    total_bytes=40 * GIB,
                    used_bytes=38 * GIB,
                    available_bytes=GIB,
                )
            ]
        ),
        ("critical", "/var", "/var is 97% full, 1.0 GiB of 40 GiB left"),
    ),
    fault(
        "disk.inodes",
        pb.FilesystemsFacts(
            filesystems=[
                pb.Filesystem(mount_point="/srv", type="ext4", measured=True, inodes_total=1000, inodes_available=80)
            ]
        ),
        ("warn", "/srv", "/srv can take only 80 more files (8.0% of its inodes)"),
    ),
    fault(
        "disk.ro",
        pb.FilesystemsFacts(
            filesystems=[pb.Filesystem(mount_point="/srv", type="xfs", read_only=True, fstab_writable=True)]
        ),
        ("critical", "/srv", "/srv (xfs) is read-only although it is configured to be writable"),
    ),
    fault(
        "disk.await",
        pb.DisksFacts(disks=[_BUSY, _SLOW], sample_seconds=0.25),
        ("critical", "sdb", "sdb (hdd) takes 250 ms for a request (250 ms on average since boot)"),
        ("info", "sda", "sda (ssd) takes 150 ms for a request (1 ms on average since boot)"),
    ),
    fault(
        "disk.psi",
        pb.DisksFacts(pressure=pb.Pressure(full_avg60_ratio=0.3)),
        ("warn", "", "Everything stood still for a disk 30% of the last minute"),
    ),
    fault(
        "raid.md",
        pb.DisksFacts(arrays=[_RAID]),
        ("critical", "md0", "md0 (raid1) is degraded: 1 of 2 members are active"),
    ),
    fault(
        "raid.md",
        pb.DisksFacts(arrays=[_REBUILDING]),
        ("critical", "md0", "md0 (raid1) is degraded and being rebuilt: 42% done, 1 of 2 members active"),
    ),
    fault(
        "raid.md",
        pb.DisksFacts(arrays=[_SPARE]),
        ("warn", "md0", "md0 (raid5) is whole, but a member is marked failed: sdc1"),
    ),
    fault(
        "raid.md",
        pb.DisksFacts(arrays=[_RESYNC]),
        ("info", "md0", "md0 (raid1) is being checked or synchronised: 7.0% done"),
    ),
    fault(
        "hw.pcie_aer",
        pb.HardwareFacts(
            pci_devices=[
                pb.PciDevice(slot="0000:01:00.0", driver="nvme", aer_correctable_total=7),
                pb.PciDevice(slot="0000:02:00.0", driver="igb", aer_uncorrectable_total=2),
            ]
        ),
        ("warn", "0000:02:00.0", "PCI device 0000:02:00.0 (igb) reported 2 uncorrectable and 0 corrected errors"),
        ("info", "0000:01:00.0", "PCI device 0000:01:00.0 (nvme) reported 0 uncorrectable and 7 corrected errors"),
    ),
    fault(
        "hw.temp",
        pb.SensorsFacts(
            temperatures=[
                pb.Temperature(
                    chip="coretemp", label="Core 0", current_celsius=86, high_celsius=84, critical_celsius=100
                ),
                pb.Temperature(chip="nct6775", label="SYSTIN", current_celsius=127),
                pb.Temperature(chip="nct6775", label="AUXTIN", current_celsius=-128),
                pb.Temperature(chip="acpitz", current_celsius=106, high_celsius=65261),
            ]
        ),
        ("critical", "acpitz", "acpitz is at 106 °C"),
        ("warn", "coretemp Core 0", "coretemp Core 0 is at 86 °C"),
    ),
    fault(
        "hw.fan",
        pb.SensorsFacts(
            fans=[
                pb.Fan(chip="nct6775", label="fan2", minimum_rotations_per_minute=300),
                pb.Fan(chip="nct6775", label="fan3"),
                pb.Fan(chip="nct6775", label="fan4", rotations_per_minute=120, alarm=True),
            ]
        ),
        ("warn", "nct6775 fan2", "Fan nct6775 fan2 stands still"),
        ("warn", "nct6775 fan4", "Fan nct6775 fan4 turns at 120 per minute, and its chip raises an alarm"),
    ),
    fault(
        "hw.fan",
        pb.SensorsFacts(fans=[pb.Fan(chip="nct6775", label="fan2", minimum_rotations_per_minute=300)]),
        ("critical", "nct6775 fan2", "Fan nct6775 fan2 stands still"),
        earlier=[
            pb.SensorsFacts(fans=[pb.Fan(chip="nct6775", label="fan2")]),
            pb.SensorsFacts(fans=[pb.Fan(chip="nct6775", label="fan2", rotations_per_minute=900)]),
        ],
    ),
    fault(
        "hw.power",
        pb.SensorsFacts(
            power_supplies=[
                pb.PowerSupply(name="BAT0", type="Battery", charge_ratio=0.05, health_ratio=0.4, status="Discharging"),
                pb.PowerSupply(name="BAT1", type="Battery", charge_ratio=0.05, status="Charging"),
            ]
        ),
        ("warn", "BAT0", "Battery BAT0 is at 5.0% and discharging"),
        ("warn", "BAT0", "Battery BAT0 holds only 40% of its design capacity"),
    ),
    fault(
        "net.err",
        pb.InterfacesFacts(
            interfaces=[
                pb.Interface(name="eth0", kind="physical", received_packets_total=9800, receive_errors_total=200)
            ]
        ),
        ("warn", "eth0", "eth0: 2.0% of packets are damaged (200 errors since it came up)"),
    ),
    fault(
        "net.drop",
        pb.InterfacesFacts(
            interfaces=[
                pb.Interface(name="eth0", kind="physical", received_packets_total=970_000, receive_drops_total=30_000),
                pb.Interface(name="wlan0", kind="wireless", received_packets_total=970_000, receive_drops_total=30_000),
                pb.Interface(name="veth1", kind="virtual", received_packets_total=970_000, receive_drops_total=30_000),
            ]
        ),
        ("warn", "eth0", "eth0 drops 3.0% of its packets (30,000 since it came up)"),
    ),
    fault(
        "net.link",
        pb.InterfacesFacts(
            interfaces=[
                pb.Interface(
                    name="eth0",
                    kind="physical",
                    state="up",
                    duplex="half",
                    speed_bits_per_second=1e8,
                    carrier_changes_total=45,
                )
            ]
        ),
        ("warn", "eth0", "eth0 runs at half duplex (100 Mbit/s)"),
        ("info", "eth0", "eth0 went up or down 45 times since boot"),
    ),
    fault(
        "net.bond",
        pb.InterfacesFacts(
            interfaces=[
                pb.Interface(name="bond0", kind="bond", bond_slaves_total=2, bond_slaves_active=1),
                pb.Interface(name="bond1", kind="bond", bond_slaves_total=2),
            ]
        ),
        ("critical", "bond1", "bond1: 0 of 2 lines are active"),
        ("warn", "bond0", "bond0: 1 of 2 lines are active"),
    ),
    fault(
        "net.conntrack",
        pb.SocketsFacts(conntrack_entries=60_000, conntrack_limit=65_536),
        ("critical", "", "The firewall's connection table is 92% full (60,000 of 65,536)"),
    ),
    fault(
        "net.listen",
        pb.SocketsFacts(listen_overflows_per_second=4, listen_overflows_total=400),
        ("warn", "", "4 connections a second are turned away because a program does not accept them in time"),
    ),
    fault(
        "net.listen",
        pb.SocketsFacts(listen_overflows_total=1),
        ("info", "", "1 connection was turned away since boot because a program did not accept in time"),
    ),
    fault(
        "net.retrans",
        pb.SocketsFacts(segments_sent_total=100_000, segments_retransmitted_total=3000),
        ("warn", "", "3.0% of TCP segments had to be sent again (3,000 of 100,000 since boot)"),
    ),
    fault(
        "net.tcpmem",
        pb.SocketsFacts(tcp_memory_pages=95, tcp_memory_pressure_pages=75, tcp_memory_limit_pages=100),
        ("critical", "", "TCP connections use 95% of the memory they may have"),
    ),
    fault(
        "proc.dstate",
        pb.ProcessesFacts(
            uninterruptible=[
                *_process(5, name="mysqld", wait_channel="io_schedule"),
                *_process(1, name="rsync", wait_channel="nfs_wait_bit_killable"),
            ]
        ),
        ("warn", "mysqld", "5 processes of mysqld cannot be interrupted, waiting in io_schedule"),
        ("warn", "rsync", "1 process of rsync cannot be interrupted, waiting in nfs_wait_bit_killable"),
    ),
    fault(
        "proc.dstate",
        pb.ProcessesFacts(uninterruptible=_process(1, name="jbd2", wait_channel="jbd2_log_wait")),
        ("info", "jbd2", "1 process of jbd2 cannot be interrupted, waiting in jbd2_log_wait"),
    ),
    fault(
        "proc.zombie",
        pb.ProcessesFacts(
            zombies_total=9,
            zombies=[
                *_process(7, parent_name="supervisord", parent_pid=7),
                *_process(2, parent_name="sshd", parent_pid=9),
            ],
        ),
        ("warn", "supervisord", "supervisord has left 7 dead processes uncollected"),
    ),
    fault(
        "proc.zombie",
        pb.ProcessesFacts(zombies_total=60),
        ("critical", "", "60 dead processes are uncollected by several programs"),
    ),
    fault(
        "fd.process",
        pb.ProcessesFacts(
            top_open_files=[
                pb.Process(pid=5, name="java", open_files_total=1000, open_files_limit=1024),
                pb.Process(pid=6, name="bash", open_files_total=10, open_files_limit=1024),
            ]
        ),
        ("critical", "java", "java has 1,000 of at most 1,024 files open (98%)"),
    ),
    fault(
        "fd.system",
        pb.SystemFacts(open_files_total=75, open_files_limit=100),
        ("warn", "", "75% of all files that the machine may open are open (75 of 100)"),
    ),
    fault(
        "pid.limit",
        pb.SystemFacts(tasks_total=32_000, tasks_limit=32_768),
        ("critical", "", "98% of all possible processes and threads exist (32,000 of 32,768)"),
    ),
    fault(
        "sys.taint",
        pb.SystemFacts(kernel_taint=1 << 4 | 1 << 9 | 1 << 12),
        ("critical", "", "The processor reported a hardware error since boot (kernel taint M)"),
        ("info", "", "The kernel warned about itself since boot (kernel taint W)"),
    ),
    fault(
        "sys.taint",
        pb.SystemFacts(kernel_taint=1 << 5 | 1 << 7 | 1 << 14),
        ("critical", "", "The kernel met a damaged memory page since boot (kernel taint B)"),
        ("critical", "", "The kernel crashed in part since boot and works on with damaged state (kernel taint D)"),
        ("critical", "", "A processor hung in the kernel since boot (kernel taint L)"),
    ),
    fault("sys.reboot", pb.SystemFacts(uptime_seconds=240), ("info", "", "The machine started only 4 min ago")),
    fault(
        "time.offset",
        pb.ClockFacts(offset_seconds=90, round_trip_seconds=0.1),
        ("critical", "", "The machine's clock is 1 min 30 s ahead"),
    ),
    fault(
        "time.offset",
        pb.ClockFacts(offset_seconds=-0.2, round_trip_seconds=0.1),
        ("warn", "", "The machine's clock is 200 ms behind"),
    ),
)
_LOG = pb.LogFacts(
    source="/dev/kmsg",
    faults=[
        pb.LogFault(fault_class="blk_io_error", object="sda", line=90, text="I/O error, dev sda, sector 2048"),
        pb.LogFault(fault_class="ata_link_reset", object="ata3", line=88, text="ata3: hard resetting link"),
        pb.LogFault(fault_class="blk_io_error", object="sda", line=80, text="I/O error, dev sda, sector 1024"),
        pb.LogFault(fault_class="martian", object="eth0", line=70, text="martian source"),
    ],
)
_LOG_FINDINGS = (
    ("critical", "sda", "Disk sda could not read or write (2 log lines)"),
    ("warn", "ata3", "The link to disk ata3 was reset (1 log line)"),
    ("warn", "eth0", "The log reports martian of eth0 (1 log line)"),
)
LOG_FAULTS = (
    Fault("log.kernel", section("kernel_log", kernel_log=_LOG), _LOG_FINDINGS),
    Fault("log.system", section("system_log", system_log=_LOG), _LOG_FINDINGS),
)
