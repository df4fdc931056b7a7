"""Addresses in the kernel's tables get the pseudonyms that they have elsewhere, and come back digit by digit."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caseprobe.parse.ip_route import parse_ip_route
from caseprobe.parse.ipv6_route import parse_ipv6_route
from caseprobe.parse.socket_table import parse_socket_table
from caseprobe.redaction import Redactor
from caseprobe.redaction.addresses import Addresses

KEY = b"a key of this test, never of a machine"
PIPE, ADDRESSES = Redactor(KEY, asset_masked=True), Addresses(KEY)
TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: {local}:01BB {remote}:C350 0A 00000000:00000002 00:00000000 00000000  1000        0 49 1 000000003520142e 100 0 0
"""
ROUTES = (
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\neth0\t{}\t{}\t0003\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
)
ROUTES_6 = "{0} 40 {1:032x} 00 {0} 00000400 00000002 00000000 00000003     eth0\n"
OWN_6 = "{} 02 40 20 80     eth0\n"

ipv4 = st.one_of(
    st.integers(0, 2**32 - 1),
    st.integers(10 << 24, (11 << 24) - 1),
    st.just(int(IPv4Address("8.8.8.8"))),
).map(IPv4Address)
ipv6 = st.builds(
    lambda head, rest: IPv6Address((head << 112) | rest),
    st.sampled_from([0x2001, 0x2A02, 0xFD12, 0xFE80, 0xFF02, 0]),
    st.integers(0, 2**112 - 1),
)


def words(packed: bytes) -> str:
    """As the kernel prints words of its own order."""
    return "".join(packed[at : at + 4][::-1].hex().upper() for at in range(0, len(packed), 4))


def mapped(address: IPv4Address) -> bytes:
    """An IPv4 address in the clothes of IPv6."""
    return bytes(10) + b"\xff\xff" + address.packed


@given(ipv4, ipv4)
@example(IPv4Address("10.6.1.3"), IPv4Address("203.119.11.4"))
def test_a_socket_is_masked_as_its_dotted_address_and_comes_back(local: IPv4Address, remote: IPv4Address) -> None:
    """A parser reads the same pseudonym that a text has; a second run changes nothing; unmask gives the table back."""
    for packed in ((local.packed, remote.packed), (mapped(local), mapped(remote))):
        text = TABLE.format(local=words(packed[0]), remote=words(packed[1]))
        masked = PIPE.text(text)
        assert PIPE.text(masked) == masked
        assert PIPE.unmask(masked) == text
        listener = parse_socket_table(masked, connected=True).listeners[0]
        assert listener.port == 443
        if len(packed[0]) == 4 or int(ADDRESSES.mask(str(local)).partition(".")[0]) > 255:
            assert listener.address.removeprefix("::ffff:") == ADDRESSES.mask(str(local))


@given(ipv6, ipv6)
def test_ipv6_in_the_tables_is_masked_as_elsewhere(local: IPv6Address, remote: IPv6Address) -> None:
    """In words, as sockets have them, and in the order of an address, as routes have them."""
    sockets = TABLE.format(local=words(local.packed), remote=words(remote.packed))
    routes = ROUTES_6.format(local.packed.hex(), 0)
    for text in (sockets, routes, OWN_6.format(local.packed.hex())):
        masked = PIPE.text(text)
        assert PIPE.text(masked) == masked and PIPE.unmask(masked) == text
        assert masked.count("\n") == text.count("\n")
    pseudonym = str(IPv6Address(ADDRESSES.mask(str(local))))
    assert parse_socket_table(PIPE.text(sockets), connected=True).listeners[0].address == pseudonym
    if not str(local).startswith("ff"):
        assert parse_ipv6_route(PIPE.text(routes))[0].gateway == pseudonym


@given(ipv4, ipv4)
def test_a_route_is_masked_as_its_dotted_addresses(network: IPv4Address, gateway: IPv4Address) -> None:
    """The table of IPv4 routes says the pseudonyms that a text has."""
    text = ROUTES.format(words(network.packed), words(gateway.packed))
    masked = PIPE.text(text)
    assert PIPE.unmask(masked) == text and PIPE.text(masked) == masked
    (route,) = parse_ip_route(masked)
    assert (route.destination, route.gateway) == (f"{ADDRESSES.mask(str(network))}/24", ADDRESSES.mask(str(gateway)))


@pytest.mark.parametrize(
    "text",
    [
        "[    0.000000] BIOS-e820: [mem 0x00000000fee00000-0x00000000fee00fff] reserved",
        "12: 0A000001 0B000001 and 0301060A:01BB alone",
        "0102030405060708090a0b0c0d0e0f10  file.bin",
    ],
)
def test_digits_that_are_no_row_of_a_table_stay(text: str) -> None:
    """Memory maps, registers and sums are evidence."""
    assert PIPE.text(text) == text
