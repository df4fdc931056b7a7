"""Near misses of the host: what looks like a fault of processors, memory, groups, services or clocks and is none."""

from __future__ import annotations

import math

from google.protobuf.message import Message

from caseprobe.v1 import path_load_pb2, path_pb2
from caseprobe.v1 import section_host_pb2 as host
from caseprobe.v1 import section_pb2 as pb
from tests.fakes_host import DAY, at, certificate, history, resolver
from tests.fakes_sections import GIB

MIB = 1 << 20
HOUR = 3600


def resident(mebibytes: float, started: float = -DAY) -> pb.ProcessesFacts:
    """One process with so much memory."""
    process = pb.Process(pid=7, name="app", resident_bytes=round(mebibytes * MIB), started_at=at(started))
    return pb.ProcessesFacts(top_memory=[process], available_memory_bytes=GIB)


NEAR_HOST: dict[str, tuple[str, Message]] = {
    "disks that stall for five minutes, twice": ("past.stall", history(io=[0.9, 0.0, 0.9, math.nan, 0.9] + [0.1] * 7)),
    "a build that keeps processors busy": ("past.stall", history(cpu=[0.79] * 12)),
    "processors that only wait for a disk": (
        "cpu.busy",
        pb.CpuFacts(sample_seconds=0.25, iowait_ratio=0.9, busy_seconds_total=1, all_seconds_total=100),
    ),
    "a processor that rests below its limit": (
        "cpu.freqcap",
        pb.CpuFacts(
            user_ratio=0.1,
            frequency_policies=[
                pb.FrequencyPolicy(name="policy0", current_hertz=8e8, limit_hertz=3e9, hardware_hertz=3.2e9)
            ],
        ),
    ),
    "a limit that file caches fill": (
        "mem.cglimit",
        host.CgroupsFacts(
            groups=[
                host.Cgroup(path="/x", memory_limit_bytes=GIB, memory_current_bytes=GIB, memory_cache_bytes=GIB // 2)
            ]
        ),
    ),
    "a program's start under a quota": (
        "cpu.cgquota",
        host.CgroupsFacts(groups=[host.Cgroup(path="/x", cpu_periods_total=9, cpu_throttled_total=9)]),
    ),
    "a group that may have no task at all": (
        "pid.cglimit",
        host.CgroupsFacts(groups=[host.Cgroup(path="/x", tasks_limit=0, tasks_total=0)]),
    ),
    "a restart that was ordered": ("sys.reboot", pb.SystemFacts(uptime_seconds=3 * HOUR, clean_shutdown=True)),
    "a power cut of last month": ("sys.reboot", pb.SystemFacts(uptime_seconds=30 * DAY, clean_shutdown=False)),
    "a dump of last week": (
        "sys.crash",
        host.CrashesFacts(measured_at=at(0), dumps=[host.Dump(kind="kernel", path="/x", at=at(-8 * DAY))]),
    ),
    "a service that was restarted once": (
        "svc.failed",
        host.ServicesFacts(
            units=[
                host.Unit(name="a.service", state="active", sub_state="running", restarts_total=40, result="success")
            ]
        ),
    ),
    "the first start of a service that will be tried again": (
        "svc.failed",
        host.ServicesFacts(
            units=[host.Unit(name="a.service", state="activating", sub_state="auto-restart", restarts_total=1)]
        ),
    ),
    "a clock whose daemon is still settling": (
        "time.sync",
        host.TimeSyncFacts(synchronized=False, maximum_error_seconds=16, uptime_seconds=300, daemon="chrony"),
    ),
    "a kept clock with a wide bound": ("time.sync", host.TimeSyncFacts(synchronized=True, maximum_error_seconds=20)),
    "an offset within half of the exchange": (
        "time.server",
        host.TimeSyncFacts(
            servers=[host.TimeServer(name="a", asked=True, answered=True, offset_seconds=0.5, round_trip_seconds=0.95)]
        ),
    ),
    "a name that does not exist is a good answer": (
        "dns.resolver",
        host.DnsFacts(resolvers=[resolver(rcode="NXDOMAIN", round_trip_seconds=0.199)]),
    ),
    "a certificate that is made for six days": (
        "cert.expiry",
        host.CertificatesFacts(certificates=[certificate(3 * DAY, begins=-3 * DAY)], measured_at=at(0)),
    ),
    "a proxy that takes connections": (
        "net.proxy",
        host.ReachabilityFacts(
            proxies=[host.Proxy(host="proxy.example", port=3128, answered=True, origin="/etc/environment")]
        ),
    ),
    "a line that waits a little when it is full": (
        "net.bufferbloat",
        path_pb2.PathFacts(
            loaded=path_load_pb2.LoadFacts(
                verdict=path_load_pb2.LoadVerdict(grade="C", added_down_seconds=0.199, added_up_seconds=0.19)
            )
        ),
    ),
    "the portal's address answers 204": (
        "net.portal",
        host.ReachabilityFacts(portal=host.PortalCheck(url="http://x/", status=204, open=True)),
    ),
}
# The same, with what was there before: newest first, half an hour between any two.
NEAR_HOST_GROWN: dict[str, tuple[str, Message, tuple[Message, ...]]] = {
    "heat of last winter": ("cpu.throttle", pb.CpuFacts(throttle_total=900), (pb.CpuFacts(throttle_total=900),)),
    "a cache that fills and bends": (
        "mem.leak",
        resident(1000),
        tuple(resident(size) for size in (999, 990, 940, 700, 300, 1)),
    ),
    "another process under the same number": (
        "mem.leak",
        resident(1000),
        tuple(resident(1000 - 100 * number, started=-2 * DAY) for number in range(1, 7)),
    ),
    "swap that was written yesterday": (
        "mem.swapio",
        pb.MemoryFacts(total_bytes=GIB, swap_total_bytes=GIB, swap_out_bytes_total=GIB),
        (pb.MemoryFacts(swap_out_bytes_total=GIB),),
    ),
    "small pieces without a failure": (
        "mem.hugefrag",
        pb.MemoryFacts(large_free_blocks_total=0, compaction_failures_total=7),
        (pb.MemoryFacts(large_free_blocks_total=0, compaction_failures_total=7),),
    ),
    "refusals of last week": (
        "pid.cglimit",
        host.CgroupsFacts(groups=[host.Cgroup(path="/x", tasks_limit=9, tasks_total=1, tasks_refused_total=5)]),
        (host.CgroupsFacts(groups=[host.Cgroup(path="/x", tasks_limit=9, tasks_refused_total=5)]),),
    ),
    "a busy moment in a calm half hour": (
        "cpu.busy",
        pb.CpuFacts(sample_seconds=0.25, user_ratio=1, busy_seconds_total=900, all_seconds_total=9000),
        (pb.CpuFacts(busy_seconds_total=800, all_seconds_total=7000),),
    ),
}
