"""Names and networks of hops in what support asks for: as the options and the policy say, told as soon as known."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from caseprobe.redaction import Redactor
from caseprobe.v1 import link_pb2, path_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.session.measure import Measurements, Opened, Raw

PUBLIC, PRIVATE, OURS = "8.8.4.4", "10.20.30.40", "9.9.9.9"
NAMES = {PUBLIC: "r1.carrier.example", PRIVATE: "core.inside.example", OURS: "gate.corp.example"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses whose names the resolver was asked for."""
    found: list[str] = []

    def name(place: tuple[str, int], _flags: int) -> tuple[str, str]:
        found.append(place[0])
        return NAMES[place[0]], "0"

    monkeypatch.setattr("socket.getnameinfo", name)
    return found


@contextlib.asynccontextmanager
async def two_rounds(action: link_pb2.PathAction, permit: object, ask_servers: bool) -> AsyncIterator[Opened]:
    """A path on which the same three answer twice."""

    async def rounds() -> AsyncGenerator[path_pb2.PathRound, None]:
        for number in (1, 2):
            one = path_pb2.PathRound(number=number, sent=[1, 2, 3])
            for ttl, address in enumerate(NAMES, 1):
                one.replies.add(ttl=ttl, address=ip_address(address).packed, rtt_seconds=0.001, from_target=ttl == 3)
            yield one

    yield path_pb2.PathFacts(target=action.target), rounds()


async def measured(root: Path, ask_servers: bool, networks: list[Path], **action: Any) -> tuple[Raw, list[Any]]:
    """What a session measured, and the header that went with each round."""
    (root / "etc").mkdir()
    (root / "etc/resolv.conf").write_text("search corp.example\n")
    measurements, raw, headers = Measurements(Machine(root), two_rounds, networks=networks), Raw(), list[Any]()

    def on_round(header: path_pb2.PathFacts | None, _round: path_pb2.PathRound) -> None:
        kept = None if header is None else path_pb2.PathFacts()
        if kept is not None and header is not None:
            kept.CopyFrom(header)
        headers.append(kept)

    wanted = link_pb2.PathAction(target="h.example", **action)
    await measurements.path(wanted, lambda _address: None, raw, on_round, ask_servers)
    return raw, headers


async def test_names_are_told_and_what_is_private_is_masked(tmp_path: Path, asked: list[str]) -> None:
    """The name of a public router stays; that of a private address, or in a domain of the machine's own, does not."""
    raw, _ = await measured(tmp_path, ask_servers=True, networks=[], names=True)
    section = raw.whole().sections[0]
    assert sorted(asked) == sorted(NAMES)
    assert [(hop.public_name, hop.host_name) for hop in section.path.hops] == [
        (NAMES[PUBLIC], ""),
        ("", NAMES[PRIVATE]),
        ("", NAMES[OURS]),
    ]
    told = link_pb2.Rounds(header=raw.header)
    left = str(Redactor(b"0123456789abcdef", asset_masked=True).rounds(told))
    assert NAMES[PUBLIC] in left
    assert not [word for word in ("inside", "corp") if word in left]


@pytest.mark.parametrize(("names", "ask_servers"), [(False, True), (True, False)])
async def test_nobody_is_asked_unless_option_and_policy_say_so(
    tmp_path: Path, asked: list[str], names: bool, ask_servers: bool
) -> None:
    """Both must."""
    raw, _ = await measured(tmp_path, ask_servers, [], names=names)
    assert asked == []
    assert not [hop for hop in raw.whole().sections[0].path.hops if hop.host_name or hop.public_name]


async def test_networks_come_out_of_the_owners_files_once(tmp_path: Path, asked: list[str]) -> None:
    """With the first round, and not again while nothing more is known; nobody is asked for them."""
    (tmp_path / "asn.csv").write_text("8.8.0.0,8.8.255.255,64500,SE,Example\n")
    raw, headers = await measured(tmp_path, ask_servers=True, networks=[tmp_path / "asn.csv"])
    assert [(hop.as_number, hop.as_name, hop.country) for hop in headers[0].hops] == [(64500, "Example", "SE")]
    assert headers[1] is None
    assert [hop.as_number for hop in raw.whole().sections[0].path.hops] == [64500, 0, 0]
    assert asked == []


async def test_a_file_that_is_gone_is_named_and_the_path_is_measured(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody stands before a session who could be told."""
    raw, _ = await measured(tmp_path, ask_servers=True, networks=[tmp_path / "gone.mmdb"])
    assert raw.whole().sections[0].path.rounds == 2
    assert "gone.mmdb cannot be read" in caplog.text
