"""Faults in the host's own sections, one or more for each of its checks."""

from __future__ import annotations

import math
from dataclasses import replace

from caseprobe.v1 import path_load_pb2 as load
from caseprobe.v1 import path_pb2
from caseprobe.v1 import section_host_pb2 as host
from caseprobe.v1 import section_pb2 as pb
from tests.fakes_faults import Fault, fault
from tests.fakes_host import DAY, at, certificate, history, resolver
from tests.fakes_sections import GIB, section

MIB = 1 << 20


def _after(found: Fault, *earlier: pb.Section) -> Fault:
    """The same fault on a machine with a past."""
    return replace(found, earlier=earlier)


def _grown(mebibytes: int) -> pb.ProcessesFacts:
    process = pb.Process(pid=7, name="app", resident_bytes=mebibytes * MIB, started_at=at(-DAY))
    return pb.ProcessesFacts(top_memory=[process], available_memory_bytes=2 * GIB)


def _units(*units: host.Unit) -> host.ServicesFacts:
    return host.ServicesFacts(units=units)


def _certificates(*given: host.Certificate) -> host.CertificatesFacts:
    return host.CertificatesFacts(certificates=given, measured_at=at(0))


def _met_by_few(ends: float, local_only: bool = False) -> host.Certificate:
    """One that signed itself, and ends so many seconds from now."""
    made = certificate(ends)
    made.self_signed, made.local_only = True, local_only
    return made


def _module(errors: int) -> pb.HardwareFacts:
    module = pb.MemoryModule(name="dimm3", label="DIMM_B2", corrected_errors_total=errors)
    return pb.HardwareFacts(memory_controllers=[pb.MemoryController(name="mc0", modules=[module])])


_LOOP = host.Unit(
    name="app.service", state="activating", sub_state="auto-restart", result="exit-code", restarts_total=9
)
_STUCK = pb.Process(pid=30, name="cp", wait_channel="folio_wait_bit", waited_seconds=300, kernel_stack=["io_schedule"])
PROCESSOR_FAULTS = (
    fault(
        "cpu.busy",
        pb.CpuFacts(sample_seconds=0.25, user_ratio=0.99, busy_seconds_total=90, all_seconds_total=100),
        ("critical", "", "Processors work 99.0% of the time (90% since boot)"),
    ),
    _after(
        fault(
            "cpu.busy",
            pb.CpuFacts(sample_seconds=0.25, idle_ratio=1, busy_seconds_total=1900, all_seconds_total=9000),
            ("warn", "", "Processors worked 90% of the time since an earlier snapshot"),
        ),
        section("cpu", cpu=pb.CpuFacts(busy_seconds_total=100, all_seconds_total=7000)),
    ),
    _after(
        fault(
            "cpu.iowait",
            pb.CpuFacts(iowait_seconds_total=900, all_seconds_total=9000),
            ("warn", "", "Processors waited for disks 45% of the time since an earlier snapshot"),
        ),
        section("cpu", cpu=pb.CpuFacts(all_seconds_total=7000)),
    ),
    _after(
        fault(
            "cpu.steal",
            pb.CpuFacts(steal_seconds_total=300, all_seconds_total=9000),
            ("warn", "", "The hypervisor withheld 15% of the processor time since an earlier snapshot"),
        ),
        section("cpu", cpu=pb.CpuFacts(all_seconds_total=7000)),
    ),
    fault(
        "cpu.throttle",
        pb.CpuFacts(throttle_total=3),
        ("info", "", "The processors slowed down for heat 3 times since boot"),
    ),
    _after(
        fault(
            "cpu.throttle",
            pb.CpuFacts(throttle_total=20),
            ("info", "", "The processors slowed down for heat 19 times within 30 min"),
        ),
        section("cpu", cpu=pb.CpuFacts(throttle_total=1)),
    ),
    _after(
        fault(
            "cpu.throttle",
            pb.CpuFacts(throttle_total=9000),
            ("critical", "", "The processors slowed down for heat 8,999 times within 30 min"),
        ),
        section("cpu", cpu=pb.CpuFacts(throttle_total=1)),
    ),
    fault(
        "cpu.freqcap",
        pb.CpuFacts(
            frequency_policies=[
                pb.FrequencyPolicy(name="policy0", limit_hertz=3.2e9, hardware_hertz=3.2e9),
                pb.FrequencyPolicy(name="policy4", limit_hertz=1.2e9, hardware_hertz=3.2e9, governor="powersave"),
            ]
        ),
        (
            "warn",
            "policy4",
            "Processors may run at 1.2 GHz at most, 38% of the 3.2 GHz they can (governor powersave)",
        ),
    ),
    fault(
        "cpu.freqcap",
        pb.CpuFacts(
            frequency_policies=[
                pb.FrequencyPolicy(name="policy0", limit_hertz=2.4e9, hardware_hertz=3.2e9, governor="powersave")
            ]
        ),
        (
            "info",
            "policy0",
            "Processors may run at 2.4 GHz at most, 75% of the 3.2 GHz they can (governor powersave)",
        ),
    ),
    fault(
        "cpu.freqcap",
        pb.CpuFacts(
            user_ratio=0.9,
            frequency_policies=[
                pb.FrequencyPolicy(name="policy0", current_hertz=8e8, limit_hertz=3.2e9, hardware_hertz=3.2e9)
            ],
        ),
        ("warn", "policy0", "Processors run at 0.8 GHz of 3.2 GHz although they are busy"),
    ),
    fault(
        "proc.dstate",
        pb.ProcessesFacts(uninterruptible=[_STUCK]),
        ("warn", "cp", "1 process of cp has been stuck for 5 min, waiting in folio_wait_bit"),
    ),
)
MEMORY_FAULTS = (
    fault(
        "mem.avail",
        pb.MemoryFacts(
            total_bytes=64 * GIB, available_bytes=40 * GIB, cgroup_limit_bytes=GIB, cgroup_available_bytes=64 * MIB
        ),
        ("warn", "", "Only 6.2% of the container's memory limit is left (64 MiB of 1.0 GiB)"),
    ),
    fault(
        "mem.oom",
        pb.MemoryFacts(oom_kill_total=2, oom_victims=[pb.OomVictim(pid=9, name="java")]),
        ("warn", "java", "The kernel killed 2 processes for lack of memory, last of all java"),
    ),
    _after(
        fault(
            "mem.oom",
            pb.MemoryFacts(oom_kill_total=7, oom_victims=[pb.OomVictim(pid=9, name="java", cgroup="/web")]),
            (
                "critical",
                "java",
                "The kernel killed 5 processes for lack of memory, last of all java at the limit of /web",
            ),
        ),
        section("memory", memory=pb.MemoryFacts(oom_kill_total=2)),
    ),
    _after(
        fault(
            "mem.swapio",
            pb.MemoryFacts(total_bytes=8 * GIB, swap_total_bytes=GIB, swap_out_bytes_total=4 * GIB),
            ("warn", "", "Memory is written out to swap at a pace of 50% of all memory per half hour"),
        ),
        section("memory", memory=pb.MemoryFacts()),
    ),
    fault(
        "mem.swapio",
        pb.MemoryFacts(total_bytes=GIB, swap_total_bytes=GIB, swap_out_bytes_per_second=MIB),
        ("info", "", "Memory is written out to swap at a pace of 175.8% of all memory per half hour"),
    ),
    _after(
        fault(
            "mem.hugefrag",
            pb.MemoryFacts(large_free_blocks_total=0, compaction_failures_total=12),
            (
                "warn",
                "",
                "No larger block of memory is free in one piece; the kernel failed 12 times to make one within 30 min",
            ),
        ),
        section("memory", memory=pb.MemoryFacts(large_free_blocks_total=4)),
    ),
    _after(
        fault(
            "mem.leak",
            _grown(1000),
            (
                "warn",
                "app",
                "app grows steadily (57 KiB/s, now 1,000 MiB); memory lasts another 10 h 14 min",
            ),
        ),
        *(section("processes", processes=_grown(1000 - 100 * number)) for number in range(1, 6)),
    ),
    fault(
        "mem.edac_ue",
        pb.HardwareFacts(memory_controllers=[pb.MemoryController(name="mc1", uncorrected_errors_total=2)]),
        ("critical", "mc1", "Memory module mc1 (mc1) had 2 errors that could not be corrected"),
    ),
    fault(
        "mem.edac_ce",
        _module(1),
        ("warn", "mc0/dimm3", "Errors of memory module DIMM_B2 (mc0/dimm3) were corrected 1 time since boot"),
    ),
    _after(
        fault(
            "mem.edac_ce",
            _module(1),
            ("info", "mc0/dimm3", "Errors of memory module DIMM_B2 (mc0/dimm3) were corrected 1 time since boot"),
        ),
        section("hardware", hardware=_module(1)),
    ),
    _after(
        fault(
            "mem.edac_ce",
            _module(80),
            (
                "critical",
                "mc0/dimm3",
                "Errors of memory module DIMM_B2 (mc0/dimm3) were corrected 79 times within 30 min",
            ),
        ),
        section("hardware", hardware=_module(1)),
    ),
)
LIMIT_FAULTS = (
    fault(
        "cpu.cgquota",
        host.CgroupsFacts(groups=[host.Cgroup(path="/web", cpu_periods_total=1000, cpu_throttled_total=300)]),
        ("warn", "/web", "/web was stopped at its processor limit in 30% of all periods"),
    ),
    fault(
        "mem.cglimit",
        host.CgroupsFacts(
            groups=[
                host.Cgroup(path="/pod", oom_kills_total=3),
                host.Cgroup(path="/pod/db", oom_kills_total=3, memory_limit_bytes=GIB, memory_current_bytes=GIB),
                host.Cgroup(path="/web", memory_limit_bytes=GIB, memory_current_bytes=GIB, memory_cache_bytes=50 * MIB),
            ]
        ),
        ("critical", "/pod/db", "3 processes of /pod/db were killed at a memory limit"),
        ("warn", "/web", "/web uses 95% of its memory limit of 1.0 GiB, file caches not counted"),
    ),
    fault(
        "pid.cglimit",
        host.CgroupsFacts(
            groups=[
                host.Cgroup(path="/a", tasks_limit=100, tasks_total=96),
                host.Cgroup(path="/b", tasks_limit=100, tasks_total=10, tasks_refused_total=4),
            ]
        ),
        ("critical", "/a", "/a has 96 of at most 100 processes and threads (96%)"),
        ("warn", "/b", "/b was refused 4 times to start a process or thread at its limit of 100"),
    ),
)
SYSTEM_FAULTS = (
    fault(
        "sys.reboot",
        pb.SystemFacts(uptime_seconds=3700, clean_shutdown=False),
        ("warn", "", "The machine started 1 h 1 min ago without having been shut down"),
    ),
    fault(
        "sys.crash",
        host.CrashesFacts(
            measured_at=at(0),
            dumps=[
                host.Dump(kind="kernel", path="/sys/fs/pstore/dmesg-efi-1", at=at(-7200)),
                *(host.Dump(kind="program", program="app", path=f"/c/{n}", at=at(-60 * n)) for n in range(1, 7)),
                host.Dump(kind="program", program="old", path="/c/old", at=at(-3 * DAY)),
            ],
        ),
        ("critical", "", "The kernel crashed and left a dump 2 h ago"),
        ("critical", "app", "app crashed 6 times in a day, last 1 min ago"),
    ),
    fault(
        "svc.failed",
        _units(
            host.Unit(name="web.service", state="failed", result="exit-code", exit_status=3, last_lines=["boom"]),
            host.Unit(name="srv-data.mount", state="failed", result="timeout"),
            _LOOP,
        ),
        ("critical", "app.service", "app.service starts again and again (9 restarts, exit-code)"),
        ("warn", "web.service", "web.service failed (exit-code, exit status 3)"),
        ("warn", "srv-data.mount", "srv-data.mount did not start or stop in time and was given up"),
    ),
    fault(
        "cert.expiry",
        _certificates(certificate(-3 * DAY), certificate(3 * DAY), certificate(90 * DAY, begins=DAY)),
        ("critical", "127.0.0.1:443", "The certificate of 127.0.0.1:443 (www.example.org) ended 3 d ago"),
        ("critical", "127.0.0.1:443", "The certificate of 127.0.0.1:443 (www.example.org) ends in 3 d"),
        ("warn", "127.0.0.1:443", "The certificate of 127.0.0.1:443 (www.example.org) only begins in 1 d"),
    ),
    fault(
        "cert.expiry",
        _certificates(_met_by_few(-3 * DAY), _met_by_few(3 * DAY, local_only=True)),
        ("warn", "127.0.0.1:443", "The certificate of 127.0.0.1:443 (www.example.org) ended 3 d ago"),
        ("info", "127.0.0.1:443", "The certificate of 127.0.0.1:443 (www.example.org) ends in 3 d"),
    ),
)
NETWORK_FAULTS = (
    fault(
        "time.sync",
        host.TimeSyncFacts(synchronized=False, maximum_error_seconds=16, uptime_seconds=DAY),
        ("warn", "", "Nothing keeps this machine's clock right (it may be wrong by 16 s or more)"),
    ),
    fault(
        "time.sync",
        host.TimeSyncFacts(synchronized=False, maximum_error_seconds=16, uptime_seconds=DAY, daemon="chrony"),
        ("warn", "", "chrony runs but does not keep the clock right (it may be wrong by 16 s or more)"),
    ),
    fault(
        "time.sync",
        host.TimeSyncFacts(
            synchronized=False,
            maximum_error_seconds=16,
            uptime_seconds=DAY,
            servers=[
                host.TimeServer(name="a", asked=True, reason="silent"),
                host.TimeServer(name="b", asked=True, answered=True, offset_seconds=-0.06, round_trip_seconds=0.04),
            ],
        ),
        (
            "info",
            "",
            "The kernel does not know of anything that keeps this clock right, but time server b agrees with it",
        ),
    ),
    fault(
        "time.server",
        host.TimeSyncFacts(
            servers=[
                host.TimeServer(name="a", asked=True, answered=True, offset_seconds=0.9, round_trip_seconds=0.1),
                host.TimeServer(name="b", asked=True, answered=True, offset_seconds=-0.2, round_trip_seconds=0.1),
                host.TimeServer(name="c", asked=True, reason="no answer within 1 s"),
            ]
        ),
        ("critical", "a", "The clock is 900 ms behind time server a"),
        ("warn", "b", "The clock is 200 ms ahead of time server b"),
        ("info", "c", "Time server c does not answer: no answer within 1 s"),
    ),
    fault(
        "dns.resolver",
        host.DnsFacts(
            resolvers=[
                resolver("192.0.2.1", rcode="", answers_total=0, queries_total=3, reason="no answer within 1 s"),
                resolver("192.0.2.2", rcode="SERVFAIL"),
                resolver("192.0.2.3", round_trip_seconds=0.4),
                resolver("192.0.2.4", queries_total=2),
                resolver("192.0.2.5", tcp_answered=False),
            ]
        ),
        ("warn", "192.0.2.1", "Name server 192.0.2.1 does not answer (3 queries): no answer within 1 s"),
        ("warn", "192.0.2.2", "Name server 192.0.2.2 answers SERVFAIL"),
        ("warn", "192.0.2.3", "Name server 192.0.2.3 takes 400 ms to answer"),
        ("info", "192.0.2.4", "Name server 192.0.2.4 answered 1 of 2 queries"),
        ("info", "192.0.2.5", "Name server 192.0.2.5 does not answer over TCP"),
    ),
    fault(
        "net.proxy",
        host.ReachabilityFacts(
            proxies=[host.Proxy(host="192.0.2.9", port=3128, origin="environment", reason="Connection refused")]
        ),
        (
            "critical",
            "192.0.2.9:3128",
            "Proxy 192.0.2.9:3128 (set in environment) takes no connection: Connection refused",
        ),
    ),
    fault(
        "net.bufferbloat",
        path_pb2.PathFacts(
            loaded=load.LoadFacts(
                idle=load.LoadPhase(median_seconds=0.02),
                down=load.LoadPhase(median_seconds=0.3, p95_seconds=0.4, bytes_per_second=5e6),
                up=load.LoadPhase(median_seconds=0.8, p95_seconds=1.1, bytes_per_second=125e3),
                verdict=load.LoadVerdict(grade="F", added_down_seconds=0.28, added_up_seconds=0.78),
            )
        ),
        (
            "warn",
            "up",
            "An upload adds 780 ms to every round trip (idle 20 ms), at 1 Mbit/s: "
            "the queue before the line out is too long",
        ),
        (
            "warn",
            "down",
            "A download adds 280 ms to every round trip (idle 20 ms), at 40 Mbit/s: "
            "the queue before the line in is too long",
        ),
    ),
    fault(
        "net.portal",
        host.ReachabilityFacts(
            portal=host.PortalCheck(url="http://t.example/", status=302, location="http://login/", intercepted=True)
        ),
        (
            "warn",
            "http://t.example/",
            "Somebody else answers in place of http://t.example/ (status 302, sent on to http://login/): "
            "a login page stands in the way",
        ),
    ),
    fault(
        "net.portal",
        host.ReachabilityFacts(portal=host.PortalCheck(url="http://t.example/", reason="no answer within 2 s")),
        ("info", "http://t.example/", "http://t.example/ does not answer: no answer within 2 s"),
    ),
)
PAST_FAULTS = (
    fault(
        "past.stall",
        history(
            cpu=[0.1] * 4 + [0.85] * 8,
            memory=[0.5, math.nan, 0.45, 0.55, 0.5] + [0.0] * 7,
            io=[0.3] * 3 + [0.0] * 3 + [0.25] * 2 + [0.0] * 4,
        ),
        (
            "warn",
            "",
            "All tasks stood still for lack of memory 50% of the time for 15 min; it ended 35 min before this snapshot",
        ),
        (
            "info",
            "",
            "Tasks waited for a processor 85% of the time for 40 min; it ended 0 s before this snapshot",
        ),
        (
            "info",
            "",
            "All tasks waited for disks 30% of the time for 15 min; it ended 45 min before this snapshot",
        ),
    ),
)
HOST_FAULTS = (*PAST_FAULTS, *PROCESSOR_FAULTS, *MEMORY_FAULTS, *LIMIT_FAULTS, *SYSTEM_FAULTS, *NETWORK_FAULTS)
