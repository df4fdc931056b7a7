"""Path MTU in virtual time: exact sizes, the router that tells, and the place where large packets vanish."""

from __future__ import annotations

import heapq
import ipaddress
import struct
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseprobe import texts
from caseprobe.texts.template import LANGUAGES
from caseprobe.v1 import path_pb2
from caseprobe_agent.path import mtu, wire
from caseprobe_agent.path.sized import TOKEN, describe_mtu
from tests.fakes_path import straight_path
from tests.paths.packets import ICMP, ICMP6, Packet, ip_packet
from tests.paths.simulation import Simulation, scenario

PROBER, TARGET = "198.18.0.1", "198.19.0.1"


@dataclass
class Wire:
    """A path of a scenario that carries sized echoes in virtual time; link_bytes is this machine's own limit."""

    simulation: Simulation
    link_bytes: int = 1500
    prober: str = PROBER
    target: str = TARGET
    now: float = 0.0
    due: list[tuple[float, int, Packet]] = field(default_factory=list)

    def send(self, echo: mtu.SizedEcho) -> bool:
        """Let one echo walk; its answer waits for its time."""
        if echo.size > self.link_bytes:
            return False
        source, target = (ipaddress.ip_address(text).packed for text in (self.prober, self.target))
        v6 = len(target) == 16
        body = wire.icmp_echo(v6, echo.sequence, TOKEN).ljust(echo.size - (40 if v6 else 20), b"\0")
        raw = bytearray(ip_packet(v6, source, target, ICMP6 if v6 else ICMP, echo.ttl, body))
        if not v6:
            raw[6] |= 0x40  # do not fragment
        outcome = self.simulation.walk(Packet(raw), self.now)
        if outcome.rtt_seconds is not None:
            heapq.heappush(self.due, (self.now + outcome.rtt_seconds, echo.sequence, Packet(bytearray(outcome.answer))))
        return True

    def receive(self, search: mtu.Search) -> None:
        """Hand what has arrived by now to the search."""
        while self.due and self.due[0][0] <= self.now:
            at, sequence, packet = heapq.heappop(self.due)
            kind = packet.body[0], packet.body[1]
            if kind == ((2, 0) if packet.v6 else (3, 4)):
                search.on_told(sequence, packet.source, struct.unpack_from("!I", packet.body, 4)[0] & 0xFFFFFF)
            else:
                search.on_answer(sequence, at, from_target=kind[0] in (0, 129))


def searched(path: Wire, ceiling: int = 1500, floor: int = mtu.FLOOR_4) -> mtu.Search:
    """The search at its end; raises where it has none."""
    search = mtu.Search(ceiling=ceiling, floor=floor)
    for _ in range(100_000):
        path.receive(search)
        if search.done:
            return search
        for echo in search.poll(path.now):
            if not path.send(echo):
                search.on_refused(echo)
        path.now = max(path.now, min(search.wake_at(), path.due[0][0] if path.due else float("inf")))
    raise AssertionError("the search does not end")


def narrowed(link: int, size: int, vanishes: bool, **fields: Any) -> Wire:
    """A path of ten hops with one link that carries no more than size bytes."""
    spec = straight_path(10, hop_ms=5.0)
    list(spec["links"].values())[link] |= {"mtu": size, "blackhole": vanishes, **fields}
    return Wire(Simulation(spec))


def test_a_whole_path_takes_three_echoes() -> None:
    """What the link carries comes through: nothing more is asked."""
    search = searched(Wire(Simulation(straight_path(10, hop_ms=5.0))))
    assert (search.size, search.vanishes, search.teller) == (1500, False, b"")
    assert search.echoes <= 3


def test_a_router_that_tells_is_named() -> None:
    """1400 bytes, said by the router before the narrow link, within three round trips."""
    path = narrowed(5, 1400, vanishes=False)
    search = searched(path)
    assert (search.size, search.teller, search.vanishes) == (1400, bytes([198, 18, 5, 1]), False)
    assert path.now <= 3 * 0.05 + 0.05


def test_the_scripted_black_hole_is_found_with_its_size_and_place() -> None:
    """More than 1400 bytes vanish between hops 5 and 6, in at most five seconds."""
    path = Wire(Simulation(scenario("mtu-blackhole")))
    search = searched(path)
    assert (search.size, search.vanishes, search.segment) == (1400, True, (5, 6))
    assert path.now <= 5


@pytest.mark.parametrize("family", ["4", "6"])
def test_both_families(family: str) -> None:
    """The same over IPv6, where no packet is smaller than 1280."""
    spec = scenario("mtu-blackhole")
    path = Wire(Simulation(spec))
    if family == "6":
        path.prober, path.target = "2001:db8::1", "2001:db8:ffff::1"
    search = searched(path, floor=mtu.FLOOR_6 if family == "6" else mtu.FLOOR_4)
    assert (search.size, search.segment) == (1400, (5, 6))


@settings(max_examples=40, deadline=None)
@given(link=st.integers(1, 9), size=st.integers(577, 1499), loss=st.sampled_from([0.0, 0.03]), seed=st.integers(0, 99))
def test_any_black_hole_is_exact(link: int, size: int, loss: float, seed: int) -> None:
    """Whatever the size and the link, and with some loss: the size to the byte, the place to the link beside it."""
    path = narrowed(link, size, vanishes=True)
    path.simulation.rng.seed(seed)
    next(iter(path.simulation.links.values())).loss = loss
    search = searched(path)
    assert path.now <= 5
    if not loss:
        assert (search.size, search.segment) == (size, (link, link + 1))
    assert search.size <= size


def test_silent_routers_widen_the_place() -> None:
    """Hops 5 and 6 never answer: the place is between 4 and 7."""
    path = narrowed(5, 1400, vanishes=True)
    path.simulation.nodes["r5"].silent = path.simulation.nodes["r6"].silent = True
    assert searched(path).segment == (4, 7)


def test_two_narrow_links_are_told_one_after_the_other() -> None:
    """The first says 1450, the one behind it 1380: the smaller counts, with its own router."""
    path = narrowed(3, 1450, vanishes=False)
    path.simulation.links["r7", "r8"].mtu = 1380
    search = searched(path)
    assert (search.size, search.teller) == (1380, bytes([198, 18, 7, 1]))


def test_a_target_that_answers_nothing_is_silent() -> None:
    """No size is claimed, and the search ends soon."""
    path = Wire(Simulation(straight_path(4)))
    path.simulation.nodes["h"].filter = ["icmp"]
    search = searched(path)
    assert (search.state, search.size) == (mtu.State.SILENT, 0)
    assert path.now <= 5


def test_lies_about_sizes_are_not_believed() -> None:
    """A size below the floor, above what was sent, or about nothing that was sent changes nothing."""
    search = mtu.Search(ceiling=1500, floor=576)
    (echo,) = search.poll(0.0)
    for sequence, size in ((echo.sequence, 0), (echo.sequence, 68), (echo.sequence, 9000), (77, 1300)):
        search.on_told(sequence, b"\x01\x02\x03\x04", size)
    search.on_answer(77, 0.1, from_target=True)
    assert (search.told, search.size) == ([], 0)


def test_the_machines_own_limit_is_respected() -> None:
    """Where the link carries less than it seemed, the search goes below it."""
    path = Wire(Simulation(straight_path(4)), link_bytes=1498)
    assert searched(path).size == 1498


def said(search: mtu.Search, language: str = "en") -> str:
    """The sentence on a search."""
    facts = path_pb2.PathFacts(target="h", mtu=describe_mtu(search, 1500, 1.0))
    return texts.path_mtu(facts, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_end_has_its_sentence(language: str) -> None:
    """Told, vanished at a place, vanished near, whole and silent: five sentences, none with a missing value."""
    quiet = Wire(Simulation(straight_path(4)))
    quiet.simulation.nodes["h"].filter = ["icmp"]
    paths = [
        narrowed(5, 1400, False),
        narrowed(5, 1400, True),
        Wire(Simulation(straight_path(3))),
        quiet,
    ]
    sentences = [said(searched(path), language) for path in paths]
    assert len(set(sentences)) == len(paths)
    assert not [sentence for sentence in sentences if "?" in sentence or "{" in sentence]


def test_the_sentences_in_english() -> None:
    """What a person reads."""
    assert said(searched(narrowed(5, 1400, True))) == (
        "Packets of more than 1,400 bytes to h vanish between hops 5 and 6, and no router says so"
    )
    assert said(searched(narrowed(5, 1400, False))) == (
        "The path to h carries packets of up to 1,400 bytes; 198.18.5.1 says so"
    )
    assert texts.path_mtu(path_pb2.PathFacts(target="h")) == ""
