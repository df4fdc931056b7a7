"""The probes processes, routes, resolvers, sockets and the two logs over machines in memory."""

from __future__ import annotations

import pytest

from caseprobe.errors import MachineAbsent, MachineDenied, MeasurementError
from caseprobe.v1 import section_pb2
from caseprobe_agent.probes import ALL, kernel_log, processes, resolvers, routes, sockets, system_log, with_arguments
from caseprobe_agent.probes.probe import Measured
from caseprobe_agent.snapshot.child import measure_function
from tests.fakes_machine import FakeClock, FakeMachine, File


def missing(measured: Measured) -> list[tuple[str, str]]:
    """Field and outcome of everything that is missing."""
    name = section_pb2.ProbeOutcome.Name
    return [(s.field, name(s.outcome).removeprefix("PROBE_OUTCOME_")) for s in measured.shortfalls]


def stat(
    pid: int, name: str, state: str = "S", *, parent: int = 1, ticks: int = 0, pages: int = 10, start: int = 7
) -> str:
    """One line of /proc/PID/stat."""
    return f"{pid} ({name}) {state} {parent} 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 2 0 {start} 0 {pages} 0\n"


def process_files() -> dict[str, File]:
    """An init, a busy one, one that waits for a disk, a zombie, one that hides its files, one that ends meanwhile."""
    return {
        "/proc/stat": "cpu 1 1 1 1\nbtime 1000\n",
        "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
        "/proc/1/stat": stat(1, "init", parent=0),
        "/proc/1/status": "Uid:\t0\t0\t0\t0\n",
        "/proc/1/fd/0": "",
        "/proc/20/stat": stat(20, "my app) x", "R", ticks=100, pages=500),
        "/proc/20/status": "Uid:\t1000\t0\t0\t0\n",
        "/proc/20/cmdline": "my app\0--to\0CP1-MFRGG-ZDFMZ-TWQ2L-KNRWW\0",
        "/proc/20/limits": "Max open files            100                  4096                 files\n",
        **{f"/proc/20/fd/{number}": "" for number in range(90)},
        "/proc/30/stat": stat(30, "tar", "D"),
        "/proc/30/wchan": "io_schedule",
        "/proc/30/sched": "tar (30, #threads: 1)\nse.exec_start : 5000.0\n",
        "/proc/self/sched": "python (9, #threads: 1)\nse.exec_start : 155000.5\n",
        "/proc/30/stack": "[<0>] io_schedule+0x46/0x70\n[<0>] 0xffffffffffffffff\n",
        "/proc/40/stat": stat(40, "sh", "Z", parent=20, pages=0),
        "/proc/40/wchan": "0",
        "/proc/50/stat": stat(50, "other"),
        "/proc/50/fd": MachineDenied("x"),
        "/proc/60/stat": MachineAbsent("it ended"),
        "/proc/meminfo": "MemTotal: 99 kB\nMemAvailable: 50 kB\n",
    }


def processes_of(machine: FakeMachine, earlier: object | None) -> tuple[section_pb2.ProcessesFacts, Measured]:
    """The probe's facts as their type, and the whole result."""
    measured = processes.measure(machine, earlier)
    assert isinstance(measured.facts, section_pb2.ProcessesFacts)
    return measured.facts, measured


def test_processes_are_counted_and_the_worst_listed() -> None:
    """By what they used between the samples; stuck is who could not be interrupted in both."""
    clock = FakeClock()
    machine = FakeMachine(process_files(), clock=clock)
    earlier = processes.sample(machine)
    clock.advance(0.5)
    machine.files["/proc/20/stat"] = stat(20, "my app) x", "R", ticks=125, pages=500)
    machine.files["/proc/70/stat"] = stat(70, "new", "D")
    facts, measured = processes_of(machine, earlier)
    assert (facts.processes_total, facts.threads_total, facts.running_total) == (6, 12, 1)
    assert (facts.zombies_total, facts.uninterruptible_total, facts.sample_seconds) == (1, 2, 0.5)
    (busy,) = facts.top_cpu
    assert (busy.pid, busy.name, busy.user, busy.cpu_ratio) == (20, "my app) x", "1000", 0.5)
    assert (busy.resident_bytes, busy.threads_total) == (500 * 4096, 2)
    assert busy.started_at.ToMilliseconds() == 1_000_070
    assert busy.command_line == ""
    assert facts.top_memory[0].pid == 20 and 40 not in [process.pid for process in facts.top_memory]
    (stuck,) = facts.uninterruptible
    assert (stuck.pid, stuck.wait_channel, stuck.parent_name) == (30, "io_schedule", "init")
    assert (stuck.waited_seconds, list(stuck.kernel_stack)) == (150.0005, ["io_schedule"])
    (zombie,) = facts.zombies
    assert (zombie.pid, zombie.parent_pid, zombie.parent_name, zombie.wait_channel) == (40, 20, "my app) x", "")
    (files,) = facts.top_open_files
    assert (files.pid, files.open_files_total, files.open_files_limit) == (20, 90, 100)
    assert facts.available_memory_bytes == 50 << 10
    assert missing(measured) == [("processes.top_open_files", "DENIED")]


@pytest.mark.parametrize(("cache", "expected"), [("c_min 4 100\nsize 4 1124\n", 51 << 10), ("odd\n", 50 << 10)])
def test_a_program_may_take_what_the_cache_of_zfs_gives_back(cache: str, expected: int) -> None:
    """The kernel does not count it as available; a table that makes no sense adds nothing."""
    files = {**process_files(), "/proc/spl/kstat/zfs/arcstats": cache}
    facts, _ = processes_of(FakeMachine(files), None)
    assert facts.available_memory_bytes == expected


def test_a_number_may_be_another_process_by_now() -> None:
    """Its time counts from its own start, and it was not stuck before."""
    clock = FakeClock()
    machine = FakeMachine(process_files(), clock=clock)
    earlier = processes.sample(machine)
    clock.advance(1.0)
    machine.files["/proc/30/stat"] = stat(30, "tar", "D", start=99, ticks=10)
    facts, _ = processes_of(machine, earlier)
    assert len(facts.uninterruptible) == 0
    assert [(process.pid, process.cpu_ratio) for process in facts.top_cpu] == [(30, 0.1)]


def test_arguments_are_told_only_where_asked_for() -> None:
    """And even then without a join code."""
    probe = next(probe for probe in with_arguments(ALL) if probe.name == "processes")
    facts = measure_function(probe.measure)(FakeMachine(process_files()), None).facts
    assert isinstance(facts, section_pb2.ProcessesFacts)
    assert facts.top_memory[0].command_line == "my app --to [join code]"
    assert [probe.name for probe in with_arguments(ALL)] == [probe.name for probe in ALL]


def test_no_processes_is_absent() -> None:
    """A tree without /proc, or a /proc that hides everything."""
    with pytest.raises(MachineAbsent):
        processes.measure(FakeMachine({"/proc/meminfo": ""}), None)


def test_default_routes_come_first() -> None:
    """Of both families; a family that is switched off is a shortfall."""
    line = "eth0 {} {} {} 0 0 0 {} 0 0 0\n"
    text = line.format("000200C0", "00000000", "0001", "00FFFFFF") + line.format(
        "00000000", "010200C0", "0003", "00000000"
    )
    measured = routes.measure(FakeMachine({"/proc/net/route": text}), None)
    facts = measured.facts
    assert isinstance(facts, section_pb2.RoutesFacts)
    assert [(route.destination, route.gateway) for route in facts.routes] == [
        ("default", "192.0.2.1"),
        ("192.0.2.0/24", ""),
    ]
    assert missing(measured) == [("routes.ipv6", "ABSENT")]


def test_a_router_is_cut_short() -> None:
    """With the default route among what is kept, and a word about the rest."""
    rows = [f"eth0 {number:08X} 00000000 0001 0 0 0 FFFFFFFF 0 0 0\n" for number in range(600)]
    text = "".join(rows) + "eth0 00000000 010200C0 0003 0 0 0 00000000 0 0 0\n"
    measured = routes.measure(FakeMachine({"/proc/net/route": text, "/proc/net/ipv6_route": ""}), None)
    facts = measured.facts
    assert isinstance(facts, section_pb2.RoutesFacts)
    assert (len(facts.routes), facts.routes[0].destination) == (500, "default")
    assert missing(measured) == [("routes.routes", "FAILED")]


def test_no_routes_at_all_says_why() -> None:
    """Absent or denied, as the kernel says."""
    with pytest.raises(MachineAbsent):
        routes.measure(FakeMachine({}), None)
    with pytest.raises(MachineDenied):
        routes.measure(FakeMachine({"/proc/net/route": MachineDenied("no")}), None)


def test_resolvers_are_as_configured() -> None:
    """With the lines that say so, and the servers behind a stub."""
    machine = FakeMachine(
        {
            "/etc/resolv.conf": "# stub\nnameserver 127.0.0.53\noptions edns0\nsearch example.org\n",
            "/etc/nsswitch.conf": "hosts: files dns\n",
            "/run/systemd/resolve/resolv.conf": "nameserver 192.0.2.53\n",
        }
    )
    measured = resolvers.measure(machine, None)
    facts = measured.facts
    assert isinstance(facts, section_pb2.ResolversFacts)
    assert (list(facts.name_servers), list(facts.search_domains)) == (["127.0.0.53"], ["example.org"])
    assert (list(facts.options), list(facts.host_sources)) == (["edns0"], ["files", "dns"])
    assert [(line.source, line.line) for line in measured.lines] == [
        ("/etc/resolv.conf", 2),
        ("/etc/resolv.conf", 3),
        ("/etc/resolv.conf", 4),
        ("/run/systemd/resolve/resolv.conf", 1),
    ]


TABLE = "   0: 00000000:0016 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 4711 1\n"
NETFILTER = "/proc/sys/net/netfilter/nf_conntrack"


def socket_files(sent: int, again: int, overflows: int) -> dict[str, File]:
    """One listener of sshd, a few counters."""
    return {
        "/proc/net/tcp": TABLE + TABLE.replace("4711", "4712").replace("0016", "0017"),
        "/proc/net/udp": "",
        "/proc/net/sockstat": "sockets: used 9\nTCP: inuse 1 orphan 4 tw 5 alloc 1 mem 233\n",
        "/proc/sys/net/ipv4/tcp_mem": "100\t200\t300\n",
        "/proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
        "/proc/net/softnet_stat": "00000009 00000001 00000002 00000000\n",
        "/proc/net/snmp": f"Tcp: OutSegs RetransSegs\nTcp: {sent} {again}\n",
        "/proc/net/netstat": f"TcpExt: ListenOverflows ListenDrops\nTcpExt: {overflows} 2\n",
        f"{NETFILTER}_count": "90\n",
        f"{NETFILTER}_max": "100\n",
        "/proc/812/comm": "sshd\n",
        "/proc/812/fd/3": "",
        "/proc/813/fd": MachineDenied("x"),
    }


def test_sockets_have_owners_limits_and_rates() -> None:
    """Counters are since boot, rates over the sample; an owner that is hidden stays empty and is noted."""
    clock = FakeClock()
    machine = FakeMachine(socket_files(100, 1, 7), links={"/proc/812/fd/3": "socket:[4711]"}, clock=clock)
    earlier = sockets.sample(machine)
    clock.advance(0.5)
    machine.files |= socket_files(200, 11, 9)
    measured = sockets.measure(machine, earlier)
    facts = measured.facts
    assert isinstance(facts, section_pb2.SocketsFacts)
    assert [(count.protocol, count.state, count.total) for count in facts.counts] == [("tcp", "LISTEN", 2)]
    assert [(one.port, one.process, one.queue_length) for one in facts.listening] == [(22, "sshd", 3), (23, "", 3)]
    assert (facts.tcp_memory_pages, facts.tcp_memory_pressure_pages, facts.tcp_memory_limit_pages) == (233, 200, 300)
    assert (facts.tcp_orphans, facts.tcp_time_wait) == (4, 5)
    assert (facts.segments_sent_total, facts.segments_retransmitted_total) == (200, 11)
    assert (facts.listen_overflows_total, facts.listen_drops_total) == (9, 2)
    assert (facts.retransmitted_ratio, facts.listen_overflows_per_second) == (0.1, 4)
    assert (facts.conntrack_entries, facts.conntrack_limit, facts.ephemeral_ports_total) == (90, 100, 28232)
    assert missing(measured) == [("sockets.process", "DENIED")]
    assert ("/proc/net/snmp", 2) in [(line.source, line.line) for line in measured.lines]


def test_sockets_of_a_kernel_that_hides_them() -> None:
    """Absent, and never a machine without connections."""
    with pytest.raises(MachineAbsent):
        sockets.measure(FakeMachine({"/proc/1/comm": ""}), None)


RING = (
    "6,1,0,-;Linux version 6.1.0\n"
    "4,2,1000000,-;a warning\n"
    "3,3,2000000,-;EXT4-fs error (device sda1): ext4_lookup:1: deleted inode referenced: 12\n"
    "11,4,3000000,-;cron: blk_update_request: I/O error, dev sda, sector 1\n"
)


def test_the_ring_is_an_artifact_and_its_faults_are_facts() -> None:
    """Times are from the kernel's clock to the wall's; what a program wrote into the ring is no fault."""
    clock = FakeClock(wall_seconds=5000.0, boottime_seconds=1000.0)
    measured = kernel_log.measure(FakeMachine({"/dev/kmsg": RING}, clock=clock), None)
    facts = measured.facts
    assert isinstance(facts, section_pb2.LogFacts)
    assert (facts.source, facts.lines_total, facts.errors_total, facts.warnings_total) == ("/dev/kmsg", 4, 2, 1)
    assert (facts.first_at.seconds, facts.last_at.seconds, facts.truncated) == (4000, 4003, False)
    (fault,) = facts.faults
    assert (fault.fault_class, fault.object, fault.line, fault.at.seconds) == ("fs_error", "sda1", 3, 4002)
    assert fault.text.startswith("<3>[    2.000000] EXT4-fs error")
    (artifact,) = measured.artifacts
    assert (artifact.name, artifact.source, artifact.truncated) == ("artifacts/kernel.log", "/dev/kmsg", False)
    assert artifact.data.decode().split("\n")[fault.line - 1] == fault.text
    assert facts.bytes_total == len(artifact.data)


def test_a_long_ring_keeps_its_newest_lines() -> None:
    """Within the limit, from a line's beginning, and it says so; lines are counted in what is kept."""
    fault = "3,9,9000000,-;EXT4-fs error (device sda1): x\n"
    ring = "".join(f"6,{number},{number},-;{'x' * 300}\n" for number in range(5000)) + fault
    measured = kernel_log.measure(FakeMachine({"/dev/kmsg": ring}), None)
    facts = measured.facts
    assert isinstance(facts, section_pb2.LogFacts)
    data = measured.artifacts[0].data
    assert facts.truncated and len(data) <= kernel_log.LIMIT_BYTES
    assert data.startswith(b"<6>[") and data.endswith(b"(device sda1): x\n")
    assert facts.faults[0].line == facts.lines_total == data.count(b"\n")


def test_the_ring_may_be_denied_or_hidden() -> None:
    """The right is named; in a container there is none."""
    with pytest.raises(MachineDenied) as caught:
        kernel_log.measure(FakeMachine({"/dev/kmsg": MachineDenied("no", needs="root")}), None)
    assert caught.value.needs == "CAP_SYSLOG"
    with pytest.raises(MachineAbsent, match="not visible"):
        kernel_log.measure(FakeMachine({}), None)
    with pytest.raises(MeasurementError, match="no record"):
        kernel_log.measure(FakeMachine({"/dev/kmsg": "hello\n"}), None)


SYSLOG = (
    b"2026-11-22T01:00:00+00:00 db7 kernel: [    1.0] Linux version 6.1.0\n"
    b"2026-11-22T01:00:01+00:00 db7 app[7]: EXT4-fs error (device sda9): quoted \xff\n"
    b"2026-11-22T01:00:02+00:00 db7 kernel: [    2.0] ata1: hard resetting link\n"
    b"  continued with a Warning\r and a carriage return\n"
)


@pytest.mark.parametrize("source", ["/var/log/syslog", "/var/log/messages"])
def test_the_systems_log_is_read_where_it_is_text(source: str) -> None:
    """Only the kernel's own lines are faults; words stand in for levels."""
    measured = system_log.measure(FakeMachine({source: SYSLOG}), None)
    facts = measured.facts
    assert isinstance(facts, section_pb2.LogFacts)
    assert (facts.source, facts.lines_total, facts.errors_total, facts.warnings_total) == (source, 4, 1, 1)
    assert facts.last_at.seconds - facts.first_at.seconds == 2
    (fault,) = facts.faults
    assert (fault.fault_class, fault.object, fault.line) == ("ata_link_reset", "ata1", 3)
    assert measured.artifacts[0].data == SYSLOG


def test_a_denied_log_is_not_an_absent_one() -> None:
    """The reason is the first that stood in the way."""
    with pytest.raises(MachineDenied):
        system_log.measure(FakeMachine({"/var/log/syslog": MachineDenied("no", needs="adm")}), None)


def test_a_journal_is_no_text() -> None:
    """What there is instead is said."""
    with pytest.raises(MeasurementError, match=r"system\.journal is no journal"):
        system_log.measure(FakeMachine({"/var/log/journal/0/system.journal": ""}), None)
    with pytest.raises(MachineAbsent, match="neither /var/log/syslog nor /var/log/messages"):
        system_log.measure(FakeMachine({}), None)


def test_an_empty_log_is_a_log() -> None:
    """Nothing was written yet."""
    facts = system_log.measure(FakeMachine({"/var/log/syslog": ""}), None).facts
    assert isinstance(facts, section_pb2.LogFacts) and facts.lines_total == 0


def test_both_logs_together_fit() -> None:
    """2 MiB of log text at most in a quick snapshot."""
    assert kernel_log.LIMIT_BYTES + system_log.LIMIT_BYTES <= 2 << 20
