"""Whose a router is and what it is called: files of the operator, hostile ones among them, and names that come late."""

from __future__ import annotations

import ipaddress
import random
import struct
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.errors import UsageError
from caseprobe.parse.address_ranges import find_range
from caseprobe.parse.mmdb import MARKER, open_mmdb
from caseprobe.v1 import path_pb2
from caseprobe_agent.path.names import HostNames, Networks, Origin, Places


def packed(text: str) -> bytes:
    """An address as four or sixteen bytes."""
    return ipaddress.ip_address(text).packed


def encoded(value: object) -> bytes:
    """A value as the specification writes it: maps, text and numbers up to 32 bits."""
    if isinstance(value, dict):
        body = b"".join(encoded(key) + encoded(one) for key, one in value.items())
        return bytes([7 << 5 | len(value)]) + body
    if isinstance(value, str):
        data = value.encode()
        head = bytes([2 << 5 | len(data)]) if len(data) < 29 else bytes([2 << 5 | 29, len(data) - 29])
        return head + data
    assert isinstance(value, int)
    number = value.to_bytes(4, "big").lstrip(b"\0")
    return bytes([6 << 5 | len(number)]) + number


def mmdb(networks: dict[str, dict[str, object]], bits: int = 28, v6: bool = True) -> bytes:
    """A file with these networks."""
    nodes: list[list[int | None]] = [[None, None]]
    values, offsets = b"", {}
    for text, value in networks.items():
        network = ipaddress.ip_network(text)
        address = network.network_address.packed.rjust(16 if v6 else 4, b"\0")
        length = network.prefixlen + (96 if v6 and network.version == 4 else 0)
        path = [address[at >> 3] >> (7 - (at & 7)) & 1 for at in range(length)]
        node = 0
        for bit in path[:-1]:
            if nodes[node][bit] is None:
                nodes.append([None, None])
                nodes[node][bit] = len(nodes) - 1
            node = nodes[node][bit] or 0
        offsets[node, path[-1]] = len(values)
        values += encoded(value)
    ends = {place: offset + len(nodes) + 16 for place, offset in offsets.items()}
    tree = b"".join(
        _record(*(ends.get((number, bit), len(nodes) if pair[bit] is None else pair[bit]) for bit in (0, 1)), bits=bits)
        for number, pair in enumerate(nodes)
    )
    about = {"node_count": len(nodes), "record_size": bits, "ip_version": 6 if v6 else 4}
    return tree + bytes(16) + values + MARKER + encoded(about)


def _record(*pair: int | None, bits: int) -> bytes:
    left, right = (record or 0 for record in pair)
    if bits == 28:
        middle = (left >> 24 & 15) << 4 | right >> 24 & 15
        return (left & 0xFFFFFF).to_bytes(3, "big") + bytes([middle]) + (right & 0xFFFFFF).to_bytes(3, "big")
    return left.to_bytes(bits // 8, "big") + right.to_bytes(bits // 8, "big")


GEOLITE = {"autonomous_system_number": 64500, "autonomous_system_organization": "Example Networks of the Far North"}
COUNTRY = {"country": {"iso_code": "SE"}}


@pytest.mark.parametrize("bits", [24, 28, 32])
@pytest.mark.parametrize("v6", [True, False])
def test_an_mmdb_file_tells_networks_of_each_record_size(bits: int, v6: bool) -> None:
    """IPv4 in trees of both kinds, IPv6 where the tree has it, nothing where no network is."""
    networks: dict[str, dict[str, object]] = {"192.0.2.0/24": dict(GEOLITE), "198.51.100.128/25": {"asn": "AS64501"}}
    if v6:
        networks["2001:db8::/32"] = {"asn": "AS64502"}
    database = open_mmdb(memoryview(mmdb(networks, bits, v6)))
    assert database.find(packed("192.0.2.77")) == GEOLITE
    assert database.find(packed("198.51.100.200")) == {"asn": "AS64501"}
    assert database.find(packed("198.51.100.1")) == {}
    assert database.find(packed("2001:db8::1")) == ({"asn": "AS64502"} if v6 else {})


WHOLE = mmdb({"192.0.2.0/24": dict(GEOLITE), "2001:db8::/32": {"country": {"iso_code": "SE"}}})


@given(st.integers(0, len(WHOLE)), st.binary(max_size=8), st.integers(0, 3))
def test_any_damage_to_a_file_ends_in_a_value_error_or_in_an_answer(at: int, junk: bytes, cut: int) -> None:
    """Bytes changed, inserted, cut off: never another error, never without end."""
    damaged = (WHOLE[:at] + junk + WHOLE[at + len(junk) * (cut != 1) :])[: None if cut < 2 else -at]
    for address in ("192.0.2.77", "2001:db8::1"):
        try:
            assert isinstance(open_mmdb(memoryview(damaged)).find(packed(address)), dict)
        except ValueError:
            continue


def test_a_pointer_to_itself_comes_to_an_end() -> None:
    """Depth is bounded."""
    about = {"node_count": 1, "record_size": 24, "ip_version": 4}
    tree = struct.pack("!I", 17)[1:] * 2
    looped = tree + bytes(16) + bytes([1 << 5, 0]) + MARKER + encoded(about)
    with pytest.raises(ValueError, match="too deep"):
        open_mmdb(memoryview(looped)).find(bytes(4))


def test_ranges_are_found_in_a_file_of_any_length() -> None:
    """Each of two thousand ranges at its ends, and nothing in the gaps between them."""
    rng, lines, start = random.Random(5), [], 0x0A000000
    for number in range(2000):
        size = rng.randint(1, 300)
        lines.append(
            f"{ipaddress.IPv4Address(start)}\t{ipaddress.IPv4Address(start + size - 1)}\t{number + 1}\tSE\tNet {number}"
        )
        start += size + 1
    data = memoryview(("\n".join(lines) + "\n").encode())
    for number, line in enumerate(lines):
        first, last = (ipaddress.IPv4Address(cell) for cell in line.split("\t")[:2])
        assert find_range(data, first.packed)[0] == find_range(data, last.packed)[0] == str(number + 1)
        assert find_range(data, (last + 1).packed) == ()


@given(st.binary(max_size=300), st.sampled_from([bytes(4), bytes(16), b"\xff" * 4]))
def test_any_text_is_a_file_that_knows_nothing_or_something(data: bytes, address: bytes) -> None:
    """No line, however odd, is an error."""
    assert isinstance(find_range(memoryview(data), address), tuple)


def test_files_complete_one_another(tmp_path: Path) -> None:
    """The number out of one, the country out of the other; a network line as GeoLite2 writes it."""
    (tmp_path / "country.mmdb").write_bytes(mmdb({"192.0.2.0/24": dict(COUNTRY)}))
    (tmp_path / "asn.csv").write_text('network,number,name\n192.0.2.0/25,64500,"Example, Inc."\n')
    networks = Networks([tmp_path / "country.mmdb", tmp_path / "asn.csv"])
    assert networks.origin(packed("192.0.2.1")) == Origin(64500, "Example, Inc.", "SE")
    assert networks.origin(packed("192.0.2.200")) == Origin(country="SE")
    assert networks.origin(packed("203.0.113.1")) == Origin()


@pytest.mark.parametrize("content", [b"", b"no database"])
def test_a_file_of_nothing_is_a_usage_error(tmp_path: Path, content: bytes) -> None:
    """One line that names it."""
    (tmp_path / "x.mmdb").write_bytes(content)
    with pytest.raises(UsageError, match=r"x\.mmdb"):
        Networks([tmp_path / "x.mmdb"])
    with pytest.raises(UsageError, match="cannot be read"):
        Networks([tmp_path / "none.mmdb"])


def round_of(*addresses: str) -> path_pb2.PathRound:
    """A round in which these answered."""
    return path_pb2.PathRound(replies=[path_pb2.HopReply(address=packed(one)) for one in addresses])


def told(header: path_pb2.PathFacts) -> dict[str, str]:
    """The names that a header tells, by address."""
    return {str(ipaddress.ip_address(hop.addresses[0])): hop.host_name for hop in header.hops}


def test_a_resolver_that_hangs_holds_nothing() -> None:
    """The name that is known is told, the other is not waited for."""
    never, asked = threading.Event(), []

    def look_up(address: str) -> str:
        asked.append(address)
        if address == "192.0.2.2":
            never.wait(10)
        return f"router-{address[-1]}.example"

    places = Places(HostNames(look_up))
    for _ in range(3):
        places.see(round_of("192.0.2.1", "192.0.2.2"))
    places.settle(0.2)
    header = path_pb2.PathFacts()
    assert places.tell(header)
    assert not places.tell(header)
    never.set()
    assert told(header) == {"192.0.2.1": "router-1.example"}
    assert sorted(asked) == ["192.0.2.1", "192.0.2.2"]


def test_a_resolver_that_fails_ends_no_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that is no name at all is none, and the next address is still looked up."""

    def fail(place: tuple[str, int], _flags: int) -> tuple[str, str]:
        if place[0] == "192.0.2.1":
            raise UnicodeError("label too long")
        return "router-2.example", "0"

    monkeypatch.setattr("socket.getnameinfo", fail)
    monkeypatch.setattr("caseprobe_agent.path.names.LOOK_UPS_AT_ONCE", 1)
    places, header = Places(HostNames()), path_pb2.PathFacts()
    places.see(round_of("192.0.2.1", "192.0.2.2"))
    places.settle(5.0)
    places.tell(header)
    assert told(header) == {"192.0.2.2": "router-2.example"}


def test_threads_end_with_what_they_were_for() -> None:
    """An agent that stays does not collect them."""
    others, names = set(threading.enumerate()), HostNames(lambda address: address)
    for number in range(8):
        names.ask(bytes((192, 0, 2, number)))
    ours = set(threading.enumerate()) - others
    names.close()
    for thread in ours:
        thread.join(60.0)
    assert ours
    assert not [thread for thread in ours if thread.is_alive()]
