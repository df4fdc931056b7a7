"""What only the longer bundles measure: network cards, containers, packet filter, near paths, sockets by program."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from threading import Event
from typing import cast

import pytest

from caseprobe.errors import MachineAbsent, MachineDenied, MeasurementError
from caseprobe.v1 import section_host_pb2, section_items_pb2, section_pb2
from caseprobe_agent.machine import Completed, Machine
from caseprobe_agent.machine.link_driver import LinkDriver, ask, told
from caseprobe_agent.path.brief import LEAST_ROUNDS, MOST_ROUNDS
from caseprobe_agent.probes import (
    NEAR_PATHS,
    containers,
    firewall,
    near_paths,
    network_cards,
    packages,
    sockets,
    with_collector,
)
from caseprobe_agent.probes.probe import Measured
from tests.caseprobe.parse.test_containers_and_filters import DOCKER, ID, NFT, SAVED
from tests.fakes_machine import FakeMachine, File

GROUP = f"/sys/fs/cgroup/system.slice/docker-{ID}.scope"
RUNNING: Mapping[str, File] = {
    f"{GROUP}/memory.current": "1048576\n",
    f"{GROUP}/memory.max": "max\n",
    f"{GROUP}/pids.current": "7\n",
    f"{GROUP}/memory.events": "low 0\noom 2\noom_kill 1\n",
}


class ProgramMachine(FakeMachine):
    """A machine whose programs print what a test says, by their name."""

    def __init__(self, files: Mapping[str, File], programs: Mapping[str, str | MeasurementError]) -> None:
        super().__init__({**{f"/usr/bin/{name}": "" for name in programs}, **files})
        self.programs = programs
        self.asked: list[str] = []

    def run(self, command: Sequence[str], timeout_seconds: float, limit_bytes: int = 1 << 20) -> Completed:
        """As Machine.run."""
        self.asked.append(" ".join(command))
        printed = self.programs[command[0].rpartition("/")[2]]
        if isinstance(printed, MeasurementError):
            raise printed
        data = printed.encode()
        return Completed(0, data[:limit_bytes], b"", len(data) > limit_bytes)

    def link_driver(self, name: str) -> LinkDriver:
        """As Machine.link_driver: one card that counts faults, others that tell nothing."""
        if name != "eth0":
            raise MachineAbsent(f"the driver of {name} does not tell about itself")
        counters = {"rx_packets": 9, "rx_missed_errors": 12, "tx_errors": 0, "rx_no_buffer_count": 70}
        return LinkDriver("igb", "6.1", "3.25", "0000:03:00.0", (256, 4096), None, (True, True, False), counters)


def test_a_card_tells_its_rings_and_faults() -> None:
    """Counters of faults that are not zero, worst first, quoted; a card whose driver is silent is there too."""
    files = {f"/sys/class/net/{name}/device": "" for name in ("eth0", "eth1")}
    queues = {f"/sys/class/net/eth0/queues/{name}": "" for name in ("rx-0", "tx-0")}
    machine = ProgramMachine({**files, **queues, "/sys/class/net/lo/mtu": "65536\n"}, {})
    measured = network_cards.measure(machine, None)
    first, second = cast(section_items_pb2.NetworkCardsFacts, measured.facts).cards
    assert [(one.name, one.total) for one in first.counters] == [("rx_no_buffer_count", 70), ("rx_missed_errors", 12)]
    assert (first.receive_ring, first.receive_ring_limit, first.HasField("send_ring")) == (256, 4096, False)
    assert (first.pause_negotiated, first.pause_sent, first.queues_total, second.name) == (True, False, 2, "eth1")
    assert [one.field for one in measured.shortfalls] == ["network_cards.eth1"]
    assert measured.lines[0].text == "rx_no_buffer_count: 70"


def test_cards_beyond_the_limit_are_told() -> None:
    """The first are there, and how many there are."""
    files: Mapping[str, File] = {f"/sys/class/net/eth{number}/device": "" for number in range(65)}
    measured = network_cards.measure(ProgramMachine(files, {}), None)
    assert len(cast(section_items_pb2.NetworkCardsFacts, measured.facts).cards) == 64
    assert "only 64 of 65 network cards were asked" in [one.reason for one in measured.shortfalls]


def test_the_kernel_is_asked_for_real() -> None:
    """Loopback has a driver that tells little, a name that is not there none; a copied tree replays."""
    with pytest.raises(MachineAbsent):
        ask("nothing0")
    with pytest.raises(MachineAbsent):
        told("eth0", {})
    replayed = told("eth0", {"eth0": {"driver": "igb", "receive_ring": [256, 4096], "counters": {"rx_errors": 1}}})
    assert (replayed.driver, replayed.receive_ring) == ("igb", (256, 4096))


def test_containers_by_group_and_by_program() -> None:
    """Figures from the group, name and image from the runtime; one that has ended is known from the runtime alone."""
    machine = ProgramMachine({**RUNNING, "/run/docker.pid": "7\n"}, {"docker": DOCKER})
    found = cast(section_items_pb2.ContainersFacts, containers.measure(machine, None).facts)
    web, job = found.containers
    assert (found.running_total, found.ended_total) == (1, 1)
    assert (web.name, web.memory_bytes, web.tasks_total, web.oom_kills_total) == ("web", 1 << 20, 7, 1)
    assert not web.HasField("memory_limit_bytes")
    assert (job.name, job.state) == ("nightly", "exited")


def test_a_container_keeps_its_runtime() -> None:
    """crictl does not say whose containers they are: the socket that is there does."""
    group = f"/sys/fs/cgroup/kubepods.slice/crio-{ID}.scope/memory.current"
    listed = json.dumps({"containers": [{"id": ID, "metadata": {"name": "web"}, "state": "CONTAINER_RUNNING"}]})
    machine = ProgramMachine({group: "1\n", "/run/crio/crio.sock": ""}, {"crictl": listed})
    (found,) = cast(section_items_pb2.ContainersFacts, containers.measure(machine, None).facts).containers
    assert (found.runtime, found.name) == ("cri-o", "web")


def test_groups_beyond_the_limit_are_told() -> None:
    """A walk that ends early says so."""
    many = {f"/sys/fs/cgroup/g{number}/pids.current": "1\n" for number in range(containers.GROUPS_AT_MOST)}
    measured = containers.measure(ProgramMachine({**many, "/run/docker.pid": "7\n"}, {"docker": DOCKER}), None)
    assert [one.reason for one in measured.shortfalls] == ["only 4000 control groups were looked at"]


def test_no_sleeping_runtime_is_woken() -> None:
    """Where no daemon is at work its program is not asked; without any trace of containers there are none."""
    machine = ProgramMachine(RUNNING, {"docker": DOCKER, "podman": "[]", "crictl": "{}"})
    assert len(cast(section_items_pb2.ContainersFacts, containers.measure(machine, None).facts).containers) == 1
    assert machine.asked == []
    with pytest.raises(MachineAbsent, match="no container runs here"):
        containers.measure(ProgramMachine({}, {"docker": DOCKER}), None)


def test_a_runtime_that_refuses_leaves_the_groups() -> None:
    """What its program would tell is a shortfall with the right that is missing."""
    denied = MachineDenied("permission denied while trying to connect", needs="docker")
    measured = containers.measure(ProgramMachine({**RUNNING, "/run/docker.pid": "7\n"}, {"docker": denied}), None)
    assert [(one.field, one.needs) for one in measured.shortfalls] == [("containers.name", "docker")]
    assert len(cast(section_items_pb2.ContainersFacts, measured.facts).containers) == 1


def test_the_rules_are_an_artifact() -> None:
    """Facts of the chains, and every rule as it was printed."""
    measured = firewall.measure(ProgramMachine({"/sys/module/nf_tables/refcnt": "1"}, {"nft": NFT}), None)
    (artifact,) = measured.artifacts
    assert (artifact.name, artifact.source, artifact.data) == (firewall.ARTIFACT, "nft list ruleset", NFT.encode())
    assert cast(section_items_pb2.FirewallFacts, measured.facts).rules_total == 7


def test_the_older_filter_is_asked_where_it_is_loaded() -> None:
    """Both families where both are; long rules are cut at a line and say so."""
    names = {f"/proc/net/{name}_names": "filter\n" for name in ("ip_tables", "ip6_tables")}
    long = SAVED + "-A INPUT -s 192.0.2.1 -j DROP\n" * 50_000
    machine = ProgramMachine(names, {"iptables-save": long, "ip6tables-save": SAVED})
    (artifact,) = firewall.measure(machine, None).artifacts
    assert artifact.truncated
    assert machine.asked == ["/usr/bin/iptables-save", "/usr/bin/ip6tables-save"]
    assert len(artifact.data) <= firewall.RULES_BYTES and artifact.data.endswith(b"\n")


def test_both_filters_are_asked_where_both_are_loaded() -> None:
    """Older tables beside nft's count too; what may not be read of one of them is told, and the other is there."""
    files = {"/sys/module/nf_tables/refcnt": "1", "/proc/net/ip_tables_names": "filter\n"}
    both = ProgramMachine(files, {"nft": NFT, "iptables-save": SAVED, "iptables-legacy-save": SAVED})
    measured = firewall.measure(both, None)
    facts = cast(section_items_pb2.FirewallFacts, measured.facts)
    assert both.asked == ["/usr/bin/nft list ruleset", "/usr/bin/iptables-legacy-save"]
    assert (facts.program, facts.rules_total > 7, measured.shortfalls) == ("nft, iptables-save", True, ())
    refused = ProgramMachine(files, {"nft": NFT, "iptables-save": MachineDenied("must be root")})
    measured = firewall.measure(refused, None)
    assert cast(section_items_pb2.FirewallFacts, measured.facts).rules_total == 7
    assert [(one.field, one.needs) for one in measured.shortfalls] == [("firewall.rules_total", "root")]


def test_without_nft_what_iptables_knows_is_told() -> None:
    """The missing program is named beside it, and alone where there is nothing else."""
    loaded: Mapping[str, File] = {"/sys/module/nf_tables/refcnt": "1"}
    measured = firewall.measure(ProgramMachine(loaded, {"iptables-save": SAVED, "ip6tables-save": ""}), None)
    assert cast(section_items_pb2.FirewallFacts, measured.facts).rules_total
    assert [one.needs for one in measured.shortfalls] == ["nft"]
    with pytest.raises(MachineDenied, match="nft is not installed"):
        firewall.measure(ProgramMachine(loaded, {"iptables-save": "", "ip6tables-save": ""}), None)


def test_no_filter_is_loaded_by_asking() -> None:
    """Where the kernel has none, no program is started; one that refuses names the right."""
    machine = ProgramMachine({}, {"nft": NFT, "iptables-save": SAVED})
    with pytest.raises(MachineAbsent, match="no packet filter that is loaded"):
        firewall.measure(machine, None)
    assert machine.asked == []
    denied = ProgramMachine({"/sys/module/nf_tables/refcnt": "1"}, {"nft": MachineDenied("must be root")})
    with pytest.raises(MachineDenied) as caught:
        firewall.measure(denied, None)
    assert caught.value.needs == "root"


ROUTE = (
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    "eth0\t00000000\t0100007F\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
)
NEAR: Mapping[str, File] = {
    "/proc/net/route": ROUTE,
    "/etc/resolv.conf": "nameserver 127.0.0.53\nnameserver 192.0.2.53\n",
}


def near(measured: Measured) -> list[tuple[str, str, str]]:
    """Role, address and reason of every path."""
    paths = cast(section_items_pb2.NearPathsFacts, measured.facts).paths
    return [(one.role, one.address, one.reason) for one in paths]


def test_without_leave_near_paths_are_only_named() -> None:
    """Gateway, servers and collector, each with why it was not probed; a stub on this machine is nobody's path."""
    (probe,) = with_collector([NEAR_PATHS], "collector.example.org")
    why = near_paths.NOT_ASKED
    assert near(near_paths.measure(FakeMachine(NEAR), None, argument=probe.argument)) == [
        ("gateway", "127.0.0.1", why),
        ("resolver", "192.0.2.53", why),
        ("collector", "collector.example.org", why),
    ]
    with pytest.raises(MachineAbsent, match="no gateway"):
        near_paths.measure(FakeMachine({}), None)


class LiveMachine(FakeMachine):
    """A machine that may send, with one gateway: itself."""

    @property
    def live(self) -> bool:
        """It runs."""
        return True


def test_a_near_path_is_probed_beside_the_others() -> None:
    """The sample begins, the measurement takes what has come: loopback answers, a name that is none says why."""
    machine = LiveMachine({"/proc/net/route": ROUTE})
    running = near_paths.sample(machine, argument="no such host")
    measured = near_paths.measure_with_network(machine, running)
    gateway, collector = cast(section_items_pb2.NearPathsFacts, measured.facts).paths
    assert (gateway.path.target, gateway.path.hops[-1].loss_ratio) == ("gateway", 0.0)
    assert LEAST_ROUNDS <= gateway.path.rounds <= MOST_ROUNDS
    assert collector.reason and not collector.HasField("path")


@pytest.mark.parametrize(
    ("raised", "why"), [(OSError("no socket is left"), "could not be probed: no socket"), (None, "not at their end")]
)
def test_what_was_not_probed_is_never_well(raised: OSError | None, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error on the thread and a thread that hangs each give a reason, not an empty list."""
    ended = Event()

    class Stuck(LiveMachine):
        """A machine whose first read fails, or waits."""

        def read_text(self, path: str, limit_bytes: int = 1 << 20) -> str:
            """As Machine.read_text."""
            if raised is not None:
                raise raised
            ended.wait(10)
            raise MachineAbsent(path)

    monkeypatch.setattr(near_paths, "LONGEST_SECONDS", 0.05)
    running = near_paths.sample(Stuck({}))
    if raised is not None:
        monkeypatch.setattr(near_paths, "LONGEST_SECONDS", 10.0)
    with pytest.raises(MeasurementError, match=why):
        running.result()
    ended.set()


def test_sockets_are_counted_by_program(request: pytest.FixtureRequest) -> None:
    """Ours holds one that listens; every program with sockets is there once."""
    import socket

    listener = socket.create_server(("127.0.0.1", 0))
    request.addfinalizer(listener.close)
    machine = Machine()
    measured = sockets.measure_with_programs(machine, sockets.sample(machine))
    programs = cast(section_pb2.SocketsFacts, measured.facts).programs
    ours = machine.read_text("/proc/self/comm").strip()
    assert [one.listening_total >= 1 for one in programs if one.program == ours] == [True]
    assert len({one.program for one in programs}) == len(programs)


def test_what_was_installed_last_is_an_artifact() -> None:
    """The manager's own notes, the newest part; where it keeps none the facts are all the same."""
    status: dict[str, File] = {"/var/lib/dpkg/status": "Package: bash\nStatus: install ok installed\nVersion: 5.2\n\n"}
    log = "2026-11-22 06:10:01 upgrade libc6:amd64 2.36-9 2.36-10\n" * 40_000
    whole = packages.measure_with_history(FakeMachine({**status, "/var/log/dpkg.log": log}), None)
    (artifact,) = whole.artifacts
    assert (artifact.source, artifact.truncated) == ("/var/log/dpkg.log", True)
    assert packages.LOG_BYTES * 0.99 < len(artifact.data) <= packages.LOG_BYTES
    bare, told = (
        cast(section_host_pb2.PackagesFacts, one.facts)
        for one in (packages.measure_with_history(FakeMachine(status), None), whole)
    )
    assert list(bare.packages) == list(told.packages)
    assert {(one.name, one.version_after) for one in told.changes} == {("libc6", "2.36-10")} and not bare.changes
    denied: dict[str, File] = {**status, "/var/log/dpkg.log": MachineDenied("may not be read", needs="adm")}
    assert packages.measure_with_history(FakeMachine(denied), None).shortfalls[0].needs == "adm"
