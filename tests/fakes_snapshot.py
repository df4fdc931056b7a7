"""A snapshot as a support engineer meets it: a small server with a dying disk, a full filesystem and a bad cable."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from caseprobe.v1 import consent_pb2, path_pb2, snapshot_pb2
from caseprobe.v1 import section_pb2 as pb
from tests.fakes_sections import GIB, judged, lines, section

MIB = 1 << 20
DAY = 86_400
TAKEN = 1_795_311_180  # 2026-11-22 01:33:00 UTC


def _at(seconds: int) -> Timestamp:
    return Timestamp(seconds=seconds)


SYSTEM = pb.SystemFacts(
    host_name="db-01.example.net",
    system="linux",
    os_name="Debian GNU/Linux",
    os_version="12",
    kernel_release="6.1.0-18-amd64",
    architecture="x86_64",
    booted_at=_at(TAKEN - 12 * DAY),
    uptime_seconds=12 * DAY + 11_520,
    timezone="Europe/Berlin",
    open_files_total=9312,
    open_files_limit=1_610_000,
    tasks_total=612,
    tasks_limit=32_768,
    init_system="systemd",
)
CPU = pb.CpuFacts(
    model="Intel(R) Xeon(R) CPU E5-2630 v4 @ 2.20GHz",
    logical_total=8,
    physical_total=4,
    load1=6.14,
    load5=5.9,
    load15=5.2,
    sample_seconds=0.25,
    user_ratio=0.12,
    system_ratio=0.05,
    iowait_ratio=0.46,
    idle_ratio=0.37,
    boot_iowait_ratio=0.03,
    pressure=pb.Pressure(some_avg60_ratio=0.04),
    vulnerabilities=[pb.CpuVulnerability(name="meltdown", status="Mitigation: PTI")],
)
MEMORY = pb.MemoryFacts(
    total_bytes=32 * GIB,
    available_bytes=int(2.4 * GIB),
    cached_bytes=int(1.8 * GIB),
    slab_bytes=900 * MIB,
    dirty_bytes=610 * MIB,
    committed_bytes=29 * GIB,
    swap_total_bytes=4 * GIB,
    swap_free_bytes=3 * GIB,
    hardware_corrupted_bytes=0,
    oom_kill_total=1,
    major_faults_per_second=12,
    pressure=pb.Pressure(some_avg60_ratio=0.06, full_avg60_ratio=0.02),
)
FILESYSTEMS = pb.FilesystemsFacts(
    filesystems=[
        pb.Filesystem(
            mount_point="/",
            device="/dev/md0",
            type="ext4",
            measured=True,
            total_bytes=220 * GIB,
            used_bytes=81 * GIB,
            available_bytes=128 * GIB,
            inodes_total=14_000_000,
            inodes_available=13_100_000,
        ),
        pb.Filesystem(
            mount_point="/var/lib/postgresql",
            device="/dev/sdb1",
            type="xfs",
            measured=True,
            total_bytes=40 * GIB,
            used_bytes=int(38.6 * GIB),
            available_bytes=int(1.4 * GIB),
            inodes_total=20_000_000,
            inodes_available=19_990_000,
        ),
        pb.Filesystem(mount_point="/mnt/backup", device="nas-1:/export", type="nfs4", reason="did not answer in 0.5 s"),
    ]
)
DISKS = pb.DisksFacts(
    disks=[
        pb.Disk(
            name="sda",
            model="Samsung SSD 870",
            size_bytes=240_057_409_536,
            kind="ssd",
            reads_total=8_123_000,
            boot_await_seconds=0.0006,
            read_bytes_per_second=0.4 * MIB,
            written_bytes_per_second=2.1 * MIB,
            await_seconds=0.0009,
        ),
        pb.Disk(
            name="sdb",
            model="ST1000NM0033",
            size_bytes=1_000_204_886_016,
            kind="hdd",
            rotational=True,
            reads_total=21_400_000,
            reads_per_second=180,
            boot_await_seconds=0.061,
            read_bytes_per_second=3.3 * MIB,
            written_bytes_per_second=0.2 * MIB,
            await_seconds=0.31,
        ),
    ],
    arrays=[pb.Array(name="md0", level="raid1", state="active", members_total=2, members_active=2)],
    sample_seconds=0.25,
    pressure=pb.Pressure(some_avg60_ratio=0.5, full_avg60_ratio=0.31),
)
INTERFACES = pb.InterfacesFacts(
    interfaces=[
        pb.Interface(name="lo", kind="loopback", state="unknown", addresses=["127.0.0.1/8"]),
        pb.Interface(
            name="eno1",
            kind="physical",
            state="up",
            duplex="full",
            speed_bits_per_second=1e9,
            addresses=["10.181.4.20/24", "2001:db8::20/64"],
            received_bytes_total=812 * GIB,
            sent_bytes_total=1290 * GIB,
            received_packets_total=910_000_000,
            sent_packets_total=1_100_000_000,
            receive_errors_total=41_000_000,
            carrier_changes_total=4,
        ),
    ]
)
PROCESSES = pb.ProcessesFacts(
    processes_total=241,
    threads_total=612,
    top_cpu=[
        pb.Process(pid=2143, name="postgres", user="user-a1", cpu_ratio=0.83, resident_bytes=3 * GIB),
        pb.Process(pid=911, name="rsyslogd", user="user-b2", cpu_ratio=0.04, resident_bytes=31 * MIB),
    ],
    top_memory=[pb.Process(pid=2101, name="postgres", user="user-a1", cpu_ratio=0.2, resident_bytes=11 * GIB)],
    uninterruptible=[pb.Process(pid=2143, name="postgres", state="D", wait_channel="xfs_buf_lock")],
    top_open_files=[pb.Process(pid=2101, name="postgres", open_files_total=412, open_files_limit=1024)],
)
SOCKETS = pb.SocketsFacts(
    counts=[
        pb.SocketCount(protocol="tcp", state="ESTABLISHED", total=84),
        pb.SocketCount(protocol="tcp", state="LISTEN", total=5),
        pb.SocketCount(protocol="tcp", state="TIME_WAIT", total=31),
    ],
    listening=[
        pb.ListeningSocket(protocol="tcp", address="0.0.0.0", port=22),
        pb.ListeningSocket(protocol="tcp", address="10.181.4.20", port=5432, process="postgres"),
    ],
    segments_sent_total=99_000_000,
    segments_retransmitted_total=210_000,
    tcp_memory_pages=900,
    tcp_memory_pressure_pages=90_000,
    tcp_memory_limit_pages=130_000,
)
KERNEL_LOG = pb.LogFacts(
    source="/dev/kmsg",
    lines_total=1893,
    bytes_total=190_000,
    first_at=_at(TAKEN - 12 * DAY),
    last_at=_at(TAKEN - 40),
    errors_total=9,
    warnings_total=31,
    artifact="artifacts/kernel.log",
    faults=[
        pb.LogFault(
            fault_class="blk_io_error",
            object="sdb",
            line=1890,
            text="blk_update_request: I/O error, dev sdb, sector 976773120 op 0x0:(READ) flags 0x80700 phys_seg 1",
        ),
        pb.LogFault(
            fault_class="blk_io_error",
            object="sdb",
            line=1871,
            text="blk_update_request: I/O error, dev sdb, sector 976773112 op 0x0:(READ) flags 0x80700 phys_seg 1",
        ),
        pb.LogFault(
            fault_class="oom_kill", object="postgres", line=1204, text="Out of memory: Killed process 1877 (postgres)"
        ),
    ],
)


def _unread(probe: str, outcome: pb.ProbeOutcome.ValueType, reason: str, needs: str = "") -> pb.Section:
    return pb.Section(probe=probe, outcome=outcome, reason=reason, needs=needs)


def troubled() -> snapshot_pb2.Snapshot:
    """The snapshot, judged, with what was hidden, what travels along and who agreed."""
    made = judged(
        section("system", system=SYSTEM, lines=lines("/proc/uptime", "1048320.11 8001234.00")),
        section("cpu", cpu=CPU, lines=lines("/proc/stat", "cpu  1234 0 500 99000 46000 0 12 0 0 0")),
        section(
            "memory",
            memory=MEMORY,
            lines=lines("/proc/meminfo", "MemTotal:       33554432 kB", "MemAvailable:    2516582 kB")
            + lines("/proc/vmstat", "oom_kill 1"),
            shortfalls=[
                pb.Shortfall(
                    field="memory.cgroup_limit_bytes", outcome=pb.PROBE_OUTCOME_ABSENT, reason="no memory limit"
                )
            ],
        ),
        section("filesystems", filesystems=FILESYSTEMS),
        section(
            "disks",
            disks=DISKS,
            lines=lines("/proc/pressure/io", "some avg10=61.20 avg60=50.10", "full avg10=40.02 avg60=31.00")
            + lines("/proc/diskstats", "   8      16 sdb 21400000 88 991 1305400 12 4 100 40 0 33 44"),
        ),
        section(
            "interfaces",
            interfaces=INTERFACES,
            lines=lines("/proc/net/dev", "  eno1: 871878361088 910000000 41000000 0 0 41000000 0 0 1385126952960"),
        ),
        section(
            "routes",
            routes=pb.RoutesFacts(routes=[pb.Route(destination="default", gateway="10.181.4.1", interface="eno1")]),
        ),
        section("resolvers", resolvers=pb.ResolversFacts(name_servers=["10.181.4.1", "10.181.4.2"])),
        section("sockets", sockets=SOCKETS),
        section("processes", processes=PROCESSES),
        section("kernel_log", kernel_log=KERNEL_LOG),
        _unread("system_log", pb.PROBE_OUTCOME_DENIED, "/var/log/syslog may not be read", "group adm"),
        _unread("sensors", pb.PROBE_OUTCOME_ABSENT, "no temperature, fan or battery is shown in /sys/class/hwmon"),
        _unread("hardware", pb.PROBE_OUTCOME_DENIED, "the serial number may not be read", "root"),
    )
    made.snapshot_id = "snap_0192b0c4f1e27a3b8c4d5e6f70819203"
    made.agent_id = "agent_mfrggzdfmztwq2lknnwg23tpoa"
    made.case_id = "case_0192b0c4f1e27a3b8c4d5e6f70819204"
    made.profile, made.agent_version, made.duration_seconds = "quick", "0.1.0", 0.84
    made.started_at.CopyFrom(_at(TAKEN))
    for rule, total in (("ipv4", 214), ("host", 61), ("user", 40), ("mac", 6), ("aws_key_id", 1)):
        made.redaction.counts.add(rule=rule, total=total)
    made.artifacts.add(name="artifacts/kernel.log", source="/dev/kmsg", size_bytes=190_000)
    made.artifacts.add(name="artifacts/auth.log", source="/var/log/auth.log", withheld_reason="could not be made safe")
    made.consent.mode = consent_pb2.CONSENT_MODE_REVIEWED
    made.consent.granted_by = "user-a1"
    made.consent.granted_at.CopyFrom(_at(TAKEN + 60))
    made.consent.text_shown = "Send this bundle to support.example.net for case 4711?"
    return made


def _hop(
    ttl: int, address: bytes, received: int, times: tuple[float, ...], classification: str = "ok"
) -> path_pb2.PathHop:
    """A hop of 100 echoes; times: best, mean, 95 % and jitter in seconds, empty where it is silent."""
    hop = path_pb2.PathHop(ttl=ttl, sent=100, received=received, classification=classification)
    hop.loss_ratio = 1 - received / 100
    hop.addresses.extend([address] if address else [])
    if times:
        hop.best_seconds, hop.avg_seconds, hop.p95_seconds, hop.jitter_seconds = times
    return hop


PATH = path_pb2.PathFacts(
    target="www.example.net",
    rounds=100,
    hops=[
        _hop(1, bytes([10, 181, 4, 1]), 100, (0.0003, 0.0004, 0.0009, 0.0001)),
        _hop(2, bytes([192, 0, 2, 1]), 62, (0.0041, 0.0046, 0.0062, 0.0004), "rate_limited"),
        _hop(3, b"", 0, (), "silent"),
        _hop(4, bytes([198, 51, 100, 9]), 88, (0.0118, 0.0129, 0.031, 0.0033), "loss"),
        _hop(5, bytes([203, 0, 113, 80]), 87, (0.0182, 0.0199, 0.044, 0.0041), "loss"),
    ],
    verdict=path_pb2.PathVerdict(
        message_id="path.loss_from",
        segment_first_ttl=2,
        segment_last_ttl=4,
        loss_ratio=0.13,
        loss_low_ratio=0.08,
        loss_high_ratio=0.21,
        confidence=0.98,
    ),
    earlier_routes=[
        path_pb2.PathRoute(
            first_round=1,
            rounds=12,
            changed_ttl=4,
            hops=[_hop(1, bytes([10, 181, 4, 1]), 100, (0.0003, 0.0004, 0.0009, 0.0001))],
        )
    ],
    route_changes=1,
)


def with_a_path() -> snapshot_pb2.Snapshot:
    """The same with a path that loses packets, and with the moments of its faults."""
    made = troubled()
    made.sections.add(probe="path", outcome=pb.PROBE_OUTCOME_OK, path=PATH)
    for section_ in made.sections:
        for hours, fault in enumerate(section_.kernel_log.faults if section_.HasField("kernel_log") else (), 1):
            fault.at.seconds = TAKEN - hours * 3600
    return made
