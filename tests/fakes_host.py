"""The host's further sections of a machine that is well: control groups, time, name servers, certificates, services."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from caseprobe.parse.boot_records import RECORD
from caseprobe.v1 import section_host_pb2 as pb
from caseprobe.v1.section_history_pb2 import HistoryFacts, Series
from tests.fakes_sections import GIB, section

NOW = 1_800_000_000
DAY = 86_400


def wtmp(*records: tuple[str, int]) -> bytes:
    """A record of boots and shutdowns, with a login between any two."""
    data = b""
    for kind, seconds in records:
        number, user = {"boot": (2, b"reboot"), "shutdown": (1, b"shutdown")}[kind]
        data += RECORD.pack(number, 0, b"~", b"~~", user, b"6.1.0-28-amd64", 0, 0, 0, seconds, 0, b"", b"")
        data += RECORD.pack(7, 900, b"pts/0", b"/0", b"ada", b"192.0.2.7", 0, 0, 0, seconds + 1, 0, b"", b"")
    return data


def at(seconds: float) -> Timestamp:
    """So many seconds after the moment of measuring."""
    return Timestamp(seconds=NOW + round(seconds))


def certificate(ends: float, begins: float = -60 * DAY) -> pb.Certificate:
    """One that ends so many seconds from now."""
    return pb.Certificate(
        source="127.0.0.1:443",
        subject="www.example.org",
        issuer="Example CA",
        not_before=at(begins),
        not_after=at(ends),
    )


def resolver(address: str = "192.0.2.53", **given: object) -> pb.Resolver:
    """A name server that answers at once, unless told otherwise."""
    facts: dict[str, object] = {
        "rcode": "NOERROR",
        "protocol": "udp",
        "round_trip_seconds": 0.004,
        "queries_total": 1,
        "answers_total": 1,
        "tcp_answered": True,
    }
    return pb.Resolver(address=address, **{**facts, **given})  # type: ignore[arg-type]


WELL_CGROUPS = pb.CgroupsFacts(
    version=2,
    groups_total=40,
    groups=[
        pb.Cgroup(
            path="/system.slice/web.service",
            memory_limit_bytes=4 * GIB,
            memory_current_bytes=4 * GIB - 1,
            memory_cache_bytes=3 * GIB,
            tasks_limit=500,
            tasks_total=20,
            cpu_periods_total=1000,
            cpu_throttled_total=3,
            cpu_limit_cores=2,
        )
    ],
)
WELL_TIME = pb.TimeSyncFacts(
    synchronized=True,
    maximum_error_seconds=0.02,
    daemon="chrony",
    uptime_seconds=DAY,
    measured_at=at(0),
    servers=[
        pb.TimeServer(
            name="ntp.example.org", asked=True, answered=True, offset_seconds=0.001, round_trip_seconds=0.01, stratum=2
        )
    ],
)
WELL_SERVICES = pb.ServicesFacts(
    manager="systemd",
    state="running",
    units=[pb.Unit(name="ssh.service", state="active", sub_state="running", result="success", restarts_total=1)],
)
WELL_REACHABILITY = pb.ReachabilityFacts(
    proxies=[pb.Proxy(host="proxy.example.org", port=3128, origin="environment", answered=True)],
    portal=pb.PortalCheck(url="http://test.example.org/nm", status=200, open=True),
)


def history(cpu: Sequence[float] = (), memory: Sequence[float] = (), io: Sequence[float] = ()) -> HistoryFacts:
    """What an agent recorded in steps of five minutes: the shares of time in which tasks waited."""
    told = {"cpu_some": cpu, "memory_full": memory, "io_full": io}
    series = [
        Series(name=f"pressure.{name}_ratio", unit="ratio", start_at=at(-3600), step_seconds=300, avg=values)
        for name, values in told.items()
        if values
    ]
    return HistoryFacts(samples_total=360, sample_seconds=10, first_at=at(-3600), last_at=at(0), series=series)


WELL_HOST = (
    section("history", history=history(io=[0.1] * 12)),
    section("cgroups", cgroups=WELL_CGROUPS),
    section("crashes", crashes=pb.CrashesFacts(measured_at=at(0))),
    section("time_sync", time_sync=WELL_TIME),
    section("dns", dns=pb.DnsFacts(resolvers=[resolver()])),
    section("certificates", certificates=pb.CertificatesFacts(certificates=[certificate(40 * DAY)], measured_at=at(0))),
    section("reachability", reachability=WELL_REACHABILITY),
    section("services", services=WELL_SERVICES),
    section("packages", packages=pb.PackagesFacts(manager="dpkg", packages_total=800)),
)
