"""The probes of control groups, crashes, time, name servers, certificates, the way out, services and packages."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from google.protobuf.message import Message

from caseprobe.errors import MachineAbsent, MachineDenied, MachineTimeout, MeasurementError
from caseprobe.v1 import section_host_pb2 as pb
from caseprobe_agent.machine import Completed, Exchanged, FileFacts, Machine
from caseprobe_agent.probes import (
    ALL,
    CERTIFICATES,
    DNS,
    PACKAGES,
    PROFILES,
    REACHABILITY,
    SERVICES,
    SERVICES_WITH_LINES,
    TIME_SYNC,
    certificates,
    cgroups,
    crashes,
    dns,
    packages,
    reachability,
    services,
    time_sync,
    with_log_lines,
    with_network,
)
from caseprobe_agent.probes.probe import Measured
from caseprobe_agent.snapshot.child import measure_function
from tests.fakes_machine import FakeClock, FakeMachine, File

Facts = TypeVar("Facts", bound=Message)
Answer = Callable[[str, str, int, bytes], bytes]
V2, V1 = "/sys/fs/cgroup", "/sys/fs/cgroup/memory"


def facts_of(measured: Measured, kind: type[Facts]) -> Facts:
    """The facts as their type."""
    assert isinstance(measured.facts, kind)
    return measured.facts


class Networked(FakeMachine):
    """A machine whose network is a function: protocol, address, port and question to an answer, or an error."""

    def __init__(self, files: dict[str, File], answer: Answer, printed: dict[str, str] | None = None) -> None:
        super().__init__(files)
        self.answer = answer
        self.asked: list[tuple[str, str, int]] = []
        self.printed = printed or {}

    def exchange(
        self, protocol: str, address: str, port: int, question: bytes, timeout_seconds: float, limit_bytes: int = 65_535
    ) -> Exchanged:
        """As Machine.exchange."""
        self.asked.append((protocol, address, port))
        return Exchanged(self.answer(protocol, address, port, question), 1000.0, 1000.02, 0.02)

    def look_up(self, name: str, timeout_seconds: float) -> str:
        """As Machine.look_up."""
        return name

    def run(self, command: tuple[str, ...], timeout_seconds: float, limit_bytes: int = 1 << 20) -> Completed:  # type: ignore[override]
        """As Machine.run, by the first argument."""
        return Completed(0, self.printed[command[1]].encode(), b"", truncated=False)


def test_by_default_nothing_is_sent() -> None:
    """Every probe of every profile runs without one packet until with_network puts others in its place."""

    def nobody(*_question: object) -> bytes:
        raise AssertionError("a packet was sent")

    files: dict[str, File] = {
        "/etc/resolv.conf": "nameserver 192.0.2.1\n",
        "/etc/chrony/chrony.conf": "pool ntp.example.org\n",
        "/etc/environment": "http_proxy=http://192.0.2.9:3128\n",
    }
    for probe in (DNS, TIME_SYNC, CERTIFICATES, REACHABILITY):
        machine = Networked(files, nobody)
        measured = measure_function(probe.measure)(machine, None)
        assert machine.asked == []
        assert measured.shortfalls
        assert probe not in with_network(ALL)
    assert [probe.name for probe in with_network(ALL)] == [probe.name for probe in ALL]
    assert not {probe.name for probe in PROFILES["quick"]} & {"dns", "reachability", "services", "packages"}


def test_each_name_server_is_asked_on_its_own() -> None:
    """One answers, one is dead, one refuses the root but knows our domain, one answers only over TCP."""

    def answer(protocol: str, address: str, _port: int, question: bytes) -> bytes:
        query = question[2:] if protocol == "tcp" else question
        flags = {"192.0.2.1": 0x8180, "192.0.2.3": 0x8185, "192.0.2.4": 0x8380}.get(address)
        if flags is None:
            raise MachineTimeout("no answer within 1 s")
        if address == "192.0.2.3" and b"corp" in query:
            flags = 0x8180
        if protocol == "tcp":
            flags = 0x8180
        head = query[:2] + flags.to_bytes(2, "big") + bytes([0, 1, 0, 1, 0, 0, 0, 0]) + query[12:]
        return (len(head).to_bytes(2, "big") if protocol == "tcp" else b"") + head

    servers = "".join(f"nameserver 192.0.2.{number}\n" for number in (1, 2, 3, 4))
    machine = Networked({"/etc/resolv.conf": f"{servers}search corp.example\n"}, answer)
    well, dead, ours, long = facts_of(dns.measure_with_network(machine, None), pb.DnsFacts).resolvers
    assert (well.rcode, well.protocol, well.round_trip_seconds, well.tcp_answered) == ("NOERROR", "udp", 0.02, True)
    assert (dead.rcode, dead.queries_total, dead.answers_total, dead.reason) == ("", 3, 0, "no answer within 1 s")
    assert (ours.rcode, ours.queries_total) == ("NOERROR", 2)
    assert (long.rcode, long.protocol) == ("NOERROR", "tcp")


def test_only_configured_time_servers_are_asked() -> None:
    """One that refuses says so; the kernel's account of a copied tree is missing, not good."""

    def answer(_protocol: str, address: str, port: int, question: bytes) -> bytes:
        assert port == 123 and len(question) == 48
        if address == "b.example":
            return b"\x24\x00" + bytes(10) + b"RATE" + bytes(8) + question[40:48] + bytes(16)
        stamp = ((1002 + 2_208_988_800) << 32).to_bytes(8, "big")
        return b"\x24\x02" + bytes(22) + question[40:48] + stamp + stamp

    files: dict[str, File] = {
        "/etc/chrony/chrony.conf": "pool a.example iburst\n",
        "/etc/chrony/sources.d/x.sources": "server b.example\n",
        "/run/chrony/chronyd.pid": "7",
    }
    measured = time_sync.measure_with_network(Networked(files, answer), None)
    facts = facts_of(measured, pb.TimeSyncFacts)
    assert facts.daemon == "chrony"
    good, refusing = facts.servers
    assert (good.name, good.answered, round(good.offset_seconds, 2), good.stratum) == ("a.example", True, 1.99, 2)
    assert (refusing.answered, refusing.reason) == (False, "the server refuses to answer (RATE)")
    assert [one.field for one in measured.shortfalls] == ["time_sync.synchronized"]


def test_the_kernel_tells_of_its_clock() -> None:
    """The call works for anybody on Linux; the bits and the bound belong together."""
    status = Machine().clock_status()
    assert status.maximum_error_seconds >= 0
    assert status.synchronized == (not status.status_bits & 0x40)


def test_limits_of_version_two_are_one_folder() -> None:
    """No limit is no fact; the group of a container is the root."""
    files: dict[str, File] = {
        f"{V2}/cgroup.controllers": "cpu memory pids",
        f"{V2}/memory.max": "1000\n",
        f"{V2}/memory.current": "990\n",
        f"{V2}/memory.stat": "anon 1\ninactive_file 300\n",
        f"{V2}/memory.events": "low 0\noom 2\noom_kill 1\n",
        f"{V2}/a.slice/web.service/memory.max": "max",
        f"{V2}/a.slice/web.service/memory.current": "5",
        f"{V2}/a.slice/web.service/pids.max": "10",
        f"{V2}/a.slice/web.service/pids.current": "9",
        f"{V2}/a.slice/web.service/pids.events": "max 3\n",
        f"{V2}/a.slice/web.service/cpu.stat": "usage_usec 1\nnr_periods 40\nnr_throttled 20\n",
        f"{V2}/a.slice/web.service/cpu.max": "50000 100000\n",
        f"{V2}/a.slice/idle.service/memory.max": "max",
    }
    machine = FakeMachine(files)
    earlier = cgroups.sample(machine)
    machine.files[f"{V2}/a.slice/web.service/cpu.stat"] = "nr_periods 43\nnr_throttled 23\n"
    measured = cgroups.measure(machine, earlier)
    facts = facts_of(measured, pb.CgroupsFacts)
    root, web = facts.groups
    assert (facts.version, facts.groups_total, facts.truncated) == (2, 4, False)
    assert (root.path, root.memory_limit_bytes, root.memory_cache_bytes, root.oom_kills_total) == ("/", 1000, 300, 1)
    assert (web.path, web.tasks_limit, web.tasks_total, web.tasks_refused_total) == ("/a.slice/web.service", 10, 9, 3)
    assert (web.cpu_periods_total, web.cpu_limit_cores, web.cpu_throttled_sampled) == (43, 0.5, 3)
    assert not web.HasField("memory_limit_bytes")
    assert any(line.source.endswith("web.service/cpu.stat") for line in measured.lines)


def test_limits_of_version_one_are_put_together() -> None:
    """One tree for each controller; the largest number means none."""
    files: dict[str, File] = {
        f"{V1}/memory.limit_in_bytes": str((1 << 63) - 4096),
        f"{V1}/db/memory.limit_in_bytes": "4096",
        f"{V1}/db/memory.usage_in_bytes": "4000",
        f"{V1}/db/memory.oom_control": "under_oom 0\noom_kill 2\n",
        "/sys/fs/cgroup/pids/db/pids.max": "5",
        "/sys/fs/cgroup/pids/db/pids.current": "1",
    }
    facts = facts_of(cgroups.measure(FakeMachine(files), None), pb.CgroupsFacts)
    (group,) = facts.groups
    assert facts.version == 1
    assert (group.path, group.memory_limit_bytes, group.oom_kills_total, group.tasks_limit) == ("/db", 4096, 2, 5)


def test_without_control_groups_there_is_nothing_to_limit() -> None:
    """Absent, not well."""
    with pytest.raises(MachineAbsent):
        cgroups.measure(FakeMachine({}), None)


class Dumps(FakeMachine):
    """Files whose times are in their names' last number."""

    def file_facts(self, path: str) -> FileFacts:
        """As Machine.file_facts."""
        return FileFacts(9, float(path.rpartition("-")[2]) if path.rpartition("-")[2].isdigit() else 50.0)


def test_dumps_are_told_newest_first() -> None:
    """The parts of one kernel crash count once; a lock file is no dump; systemd's names tell the time."""
    core = f"core.app.0.{'a' * 32}.7.1700000000000000.zst"
    files: dict[str, File] = {
        "/sys/fs/pstore/dmesg-efi-100": "",
        "/sys/fs/pstore/dmesg-erst-100": "",
        "/sys/fs/pstore/console-ramoops-0": "",
        "/var/crash/202611220430/vmcore": "",
        "/var/crash/_usr_bin_foo.1000.crash": "",
        "/var/crash/kexec_cmd": "",
        f"/var/lib/systemd/coredump/{core}": "",
    }
    facts = facts_of(crashes.measure(Dumps(files), None), pb.CrashesFacts)
    assert [(dump.kind, dump.program) for dump in facts.dumps] == [
        ("program", "app"),
        ("kernel", ""),
        ("kernel", ""),
        ("program", "foo"),
    ]
    assert facts.dumps[0].at.seconds == 1_700_000_000


SYSTEMD: dict[str, File] = {"/run/systemd/system/x": "", "/usr/bin/systemctl": ""}
SHOWN = (
    "Id=a.service\nLoadState=loaded\nActiveState=active\nSubState=running\n\n"
    "Id=b.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\nResult=exit-code\n"
)
PRINTED = {
    "is-system-running": "degraded\n",
    "show": SHOWN,
    "status": "× b.service - B\n     Active: failed\n\nNov 22 host b[1]: no such file\n",
}


def nobody(*_question: object) -> bytes:
    """No network."""
    raise MeasurementError("no network here")


def test_log_lines_of_services_need_their_own_leave() -> None:
    """States without it; with it the last lines of those in trouble, and no others."""
    plain = facts_of(services.measure(Networked(SYSTEMD, nobody, PRINTED), None), pb.ServicesFacts)
    assert [(unit.name, unit.state, list(unit.last_lines)) for unit in plain.units] == [
        ("b.service", "failed", []),
        ("a.service", "active", []),
    ]
    told = facts_of(services.measure_with_lines(Networked(SYSTEMD, nobody, PRINTED), None), pb.ServicesFacts)
    assert list(told.units[0].last_lines) == ["Nov 22 host b[1]: no such file"]
    shown = with_log_lines(ALL, full=False)
    assert SERVICES_WITH_LINES in shown and SERVICES not in shown and PACKAGES in shown


@pytest.mark.parametrize("files", [{}, {"/usr/bin/systemctl": ""}, {"/run/systemd/system/x": ""}])
def test_without_systemd_there_are_no_units(files: dict[str, File]) -> None:
    """Absent with the reason, and no program is started."""
    with pytest.raises(MachineAbsent, match="system"):
        services.measure(Networked(files, nobody), None)


def test_an_offline_systemd_tells_nothing() -> None:
    """In a chroot systemctl is there and answers for nobody."""
    with pytest.raises(MachineAbsent, match="offline"):
        services.measure(Networked(SYSTEMD, nobody, {**PRINTED, "is-system-running": "offline\n"}), None)


def test_a_systemd_that_a_user_cannot_ask_is_not_absent() -> None:
    """Without a message bus systemctl prints nothing for who is not root: services are not known, not missing."""
    with pytest.raises(MeasurementError, match="no message bus") as told:
        services.measure(Networked(SYSTEMD, nobody, {**PRINTED, "is-system-running": ""}), None)
    assert not isinstance(told.value, MachineAbsent)


def test_packages_are_facts() -> None:
    """Names and versions in order, the kernel that runs and the newest one, and whether a restart is due."""
    files: dict[str, File] = {
        "/var/lib/dpkg/status": "Package: b\nStatus: install ok installed\nVersion: 2\n\n"
        "Package: a\nStatus: install ok half-configured\nVersion: 1\n",
        "/boot/vmlinuz-6.1.0-9-amd64": "",
        "/boot/vmlinuz-6.1.0-28-amd64": "",
        "/proc/sys/kernel/osrelease": "6.1.0-9-amd64\n",
        "/run/reboot-required": "",
        "/run/reboot-required.pkgs": "linux-image\nlinux-image\n",
    }
    facts = facts_of(packages.measure(FakeMachine(files), None), pb.PackagesFacts)
    assert (facts.manager, facts.packages_total, [one.name for one in facts.packages]) == ("dpkg", 2, ["a", "b"])
    assert (facts.newest_kernel_release, facts.running_kernel_release) == ("6.1.0-28-amd64", "6.1.0-9-amd64")
    assert (facts.reboot_required, list(facts.reboot_packages), list(facts.broken_packages)) == (
        True,
        ["linux-image"],
        ["a"],
    )
    with pytest.raises(MachineAbsent):
        packages.measure(FakeMachine({}), None)


def test_what_changed_of_packages_is_told_over_a_log_that_was_turned_over() -> None:
    """The newest changes of the log and of the one before it, oldest first; one that may not be read is named."""
    line = "2026-11-{day:02} 06:25:01 upgrade a:amd64 {day} {next}\n"
    earlier, log = ("".join(line.format(day=day, next=day + 1) for day in days) for days in ((1, 2), (3, 4)))
    files: dict[str, File] = {
        "/var/lib/dpkg/status": "Package: a\nStatus: install ok installed\nVersion: 5\n",
        "/var/log/dpkg.log.1": earlier,
        "/var/log/dpkg.log": log,
    }
    facts = facts_of(packages.measure(FakeMachine(files), None), pb.PackagesFacts)
    assert [(one.action, one.version_after) for one in facts.changes] == [
        ("upgraded", str(day)) for day in (2, 3, 4, 5)
    ]
    denied = FakeMachine({**files, "/var/log/dpkg.log.1": MachineDenied("/var/log/dpkg.log.1 may not be read")})
    measured = packages.measure(denied, None)
    assert len(facts_of(measured, pb.PackagesFacts).changes) == 2
    assert [one.field for one in measured.shortfalls] == ["packages.changes"]


def test_a_dead_proxy_and_a_portal_are_told() -> None:
    """The password of a proxy is nowhere in the facts."""

    def answer(_protocol: str, address: str, _port: int, question: bytes) -> bytes:
        if address == "192.0.2.9":
            raise MeasurementError("Connection refused")
        return b"HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\n\r\n" if question else b""

    files: dict[str, File] = {
        "/etc/environment": "http_proxy=http://me:hunter2@192.0.2.9:3128\n",
        "/etc/apt/apt.conf.d/90proxy": 'Acquire::http::Proxy "http://192.0.2.8:3142";\n',
        "/etc/NetworkManager/conf.d/c.conf": "[connectivity]\nuri=http://test.example/nm\n",
    }
    facts = facts_of(reachability.measure_with_network(Networked(files, answer), None), pb.ReachabilityFacts)
    assert [(one.host, one.port, one.answered, one.reason) for one in facts.proxies] == [
        ("192.0.2.9", 3128, False, "Connection refused"),
        ("192.0.2.8", 3142, True, ""),
    ]
    assert (facts.portal.status, facts.portal.location, facts.portal.intercepted) == (
        302,
        "http://login.example/",
        True,
    )
    assert "hunter2" not in str(facts)


@contextmanager
def tls_server(folder: Path) -> Iterator[tuple[int, str]]:
    """A port on loopback that shows a self-signed certificate, and the certificate as PEM."""
    name, key = folder / "c.pem", folder / "k.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9"]
    subprocess.run([*make, "-subj", "/CN=x", "-keyout", key, "-out", name], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(name, key)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            plain, _ = server.accept()
            with plain, context.wrap_socket(plain, server_side=True) as secured:
                secured.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], name.read_text()
        thread.join(10)


def test_a_port_shows_its_certificate(tmp_path: Path) -> None:
    """As it is, unverified."""
    with tls_server(tmp_path) as (port, pem):
        shown = Machine().peer_certificate("127.0.0.1", port, 5.0)
    assert shown == ssl.PEM_cert_to_DER_cert(pem)


def test_a_silent_port_costs_its_time_and_no_more() -> None:
    """One that takes connections and says nothing is a timeout, a closed one an error at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for ask in (
            lambda: Machine().peer_certificate("127.0.0.1", port, 0.2),
            lambda: Machine().exchange("tcp", "127.0.0.1", port, b"x", 0.2),
        ):
            with pytest.raises(MachineTimeout):
                ask()
    with pytest.raises(MeasurementError, match="refused"):
        Machine().exchange("tcp", "127.0.0.1", port, b"x", 1.0)


def test_a_port_of_this_machine_alone_is_told_apart(tmp_path: Path) -> None:
    """What listens on 127.0.0.1 only has no clients elsewhere; a port that listens there and elsewhere has."""
    with tls_server(tmp_path) as (port, pem):
        Machine().peer_certificate("127.0.0.1", port, 5.0)
    rows = ("0100007F:20FB", "00000000:01BB", "0100007F:01BB", "0100007F:1F41")
    table = "".join(f"{n}: {row} 00000000:0000 0A 00:00 00:0 0 0 0 {n}\n" for n, row in enumerate(rows))
    shown = dict.fromkeys((443, 8443), ssl.PEM_cert_to_DER_cert(pem))
    machine = FakeMachine({"/proc/net/tcp": table}, certificates=shown, clock=FakeClock())
    facts = facts_of(certificates.measure_with_network(machine, None), pb.CertificatesFacts)
    told = [(one.source, one.local_only, one.self_signed) for one in facts.certificates]
    assert told == [("127.0.0.1:8443", True, True), ("127.0.0.1:443", False, True)]


def test_configured_certificates_are_read(tmp_path: Path) -> None:
    """A damaged one is a shortfall that names the file; one that is not there is the business of its server."""
    with_pem = tmp_path / "x"
    with_pem.mkdir()
    with tls_server(with_pem) as (port, pem):
        Machine().peer_certificate("127.0.0.1", port, 5.0)
    files: dict[str, File] = {
        "/etc/nginx/nginx.conf": "".join(f"ssl_certificate /etc/{name}.pem;\n" for name in ("a", "gone", "b")),
        "/etc/a.pem": pem,
        "/etc/b.pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    }
    measured = certificates.measure(FakeMachine(files, clock=FakeClock()), None)
    facts = facts_of(measured, pb.CertificatesFacts)
    (one,) = facts.certificates
    assert (one.source, one.subject, one.named_by) == ("/etc/a.pem", "x", "/etc/nginx/nginx.conf")
    assert [(lack.field, "/etc/b.pem" in lack.reason) for lack in measured.shortfalls] == [
        ("certificates.certificates", True),
        ("certificates.ports_total", False),
    ]
