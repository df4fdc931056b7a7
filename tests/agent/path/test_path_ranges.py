"""Networks out of a router's table: MRT is read as it is specified, prefixes become ranges, and damage has an end."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import struct
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.parse.mrt import read_announced
from caseprobe_agent.cli import main
from caseprobe_agent.path.names import Networks, Origin
from caseprobe_agent.path.ranges import packed, ranges

SEQUENCE, SET = 2, 1
Way = Sequence[tuple[int, Sequence[int]]]


def record(subtype: int, body: bytes, kind: int = 13) -> bytes:
    """A record of a dump."""
    return struct.pack("!IHHI", 1_700_000_000, kind, subtype, len(body)) + body


def entry(path: Way, addpath: bytes = b"") -> bytes:
    """What one peer says of a prefix: its origin attribute, then the path."""
    value = b"".join(bytes((kind, len(numbers))) + struct.pack(f"!{len(numbers)}I", *numbers) for kind, numbers in path)
    attributes = bytes((0x40, 1, 1, 0)) + bytes((0x50, 2)) + struct.pack("!H", len(value)) + value
    return struct.pack("!HI", 0, 1_700_000_000) + addpath + struct.pack("!H", len(attributes)) + attributes


def route(network: str, *paths: Way, addpath: bool = False) -> bytes:
    """A record of one prefix."""
    prefix = ip_network(network)
    told = prefix.network_address.packed[: (prefix.prefixlen + 7) // 8]
    subtype = (2 if isinstance(prefix, IPv4Network) else 4) + (6 if addpath else 0)
    entries = b"".join(entry(path, bytes(4) if addpath else b"") for path in paths)
    return record(subtype, bytes(4) + bytes((prefix.prefixlen,)) + told + struct.pack("!H", len(paths)) + entries)


PEERS = record(1, bytes(8))
DUMP = b"".join((
    PEERS,
    route("10.0.0.0/8", [(SEQUENCE, [64496, 64500])]),
    route("10.64.0.0/10", [(SEQUENCE, [64496, 64501])], [(SEQUENCE, [64999])]),
    route("192.0.2.0/24", [(SEQUENCE, [64496]), (SET, [64502])]),
    route("198.51.100.0/24", [], [(SEQUENCE, [64503])], addpath=True),
    route("203.0.113.0/24", [(SEQUENCE, [64496]), (SET, [64502, 64503])]),
    route("2001:db8::/32", [(SEQUENCE, [64504])]),
))  # fmt: skip


def announced(data: bytes) -> list[tuple[str, int]]:
    """The prefixes of a dump with their origins."""
    kinds = {4: IPv4Network, 6: IPv6Network}
    return [
        (str(kinds[one.version]((one.address, one.length))), one.origin)
        for one in read_announced(io.BytesIO(data).read)
    ]


def test_a_dump_tells_who_announces_what() -> None:
    """The last AS of the first path that has one; a set of several is nobody."""
    assert announced(DUMP) == [
        ("10.0.0.0/8", 64500),
        ("10.64.0.0/10", 64501),
        ("192.0.2.0/24", 64502),
        ("198.51.100.0/24", 64503),
        ("2001:db8::/32", 64504),
    ]


@pytest.mark.parametrize("packing", [bytes, gzip.compress, bz2.compress], ids=["plain", "gz", "bz2"])
def test_what_the_command_writes_names_networks(
    packing: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The longest prefix counts, and the file is one that path --networks takes."""
    (tmp_path / "rib").write_bytes(packing(DUMP))  # type: ignore[operator]
    assert main(["networks", str(tmp_path / "rib")]) == 0
    (tmp_path / "own.csv").write_text(capsys.readouterr().out)
    networks = Networks([tmp_path / "own.csv"])
    asked = ("10.63.255.255", "10.64.0.0", "10.128.0.0", "11.0.0.0", "203.0.113.1", "2001:db8::1")
    found = [networks.origin(ip_network(one).network_address.packed) for one in asked]
    assert found == [Origin(64500), Origin(64501), Origin(64500), Origin(), Origin(), Origin(64504)]


@pytest.mark.parametrize(
    "data",
    [
        b"no dump",
        DUMP[:-3],
        gzip.compress(DUMP)[:-12],
        bz2.compress(DUMP)[:-12],
        bytes(1000),
        record(2, bytes(4) + b"\x21" + bytes(7)),
        PEERS[:8] + b"\xff" * 4,
        record(4, b"", kind=16),
    ],
    ids=["text", "cut", "cut gz", "cut bz2", "zeros", "prefix of 33 bits", "endless record", "updates"],
)
def test_what_is_no_dump_is_a_usage_error(data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line that names the file and says what to give, and no range."""
    (tmp_path / "rib").write_bytes(data)
    assert main(["networks", str(tmp_path / "rib")]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert f"{tmp_path}/rib" in told.err
    assert told.err.count("\n") == 1


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 255))
def test_damage_is_an_error_or_another_table(noise: bytes, place: int, value: int) -> None:
    """Any bytes, and a dump with one byte changed: prefixes, or ValueError."""
    changed = bytearray(DUMP)
    changed[place % len(DUMP)] = value
    for data in (noise, PEERS + record(2, noise), bytes(changed)):
        try:
            assert all(one.length <= 128 for one in read_announced(io.BytesIO(data).read))
        except ValueError:
            continue


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 8), st.integers(1, 3)), max_size=12))
def test_ranges_say_of_every_address_what_the_longest_prefix_says(table: list[tuple[int, int, int]]) -> None:
    """Sorted, without overlaps or equal neighbours, over all addresses of eight bits."""
    prefixes = {(address >> 8 - length << 8 - length, length): origin for address, length, origin in table}
    found = list(ranges((packed(address, length, one) for (address, length), one in prefixes.items()), bits=8))
    for address in range(256):
        holding = [
            (length, one) for (first, length), one in prefixes.items() if address >> 8 - length == first >> 8 - length
        ]
        assert [one.origin for one in found if one.first <= address <= one.last] == [
            one for _, one in sorted(holding)[-1:]
        ]
    neighbours = itertools.pairwise(found)
    assert all(
        one.last < other.first and (one.last + 1, one.origin) != (other.first, other.origin)
        for one, other in neighbours
    )
