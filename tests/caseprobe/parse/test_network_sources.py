"""Parsers of routes, resolvers, sockets and protocol counters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from caseprobe.parse.ip_route import parse_ip_route
from caseprobe.parse.ipv6_route import parse_ipv6_route
from caseprobe.parse.protocol_counters import parse_protocol_counters, parse_sockstat
from caseprobe.parse.resolv_conf import parse_host_sources, parse_resolv_conf
from caseprobe.parse.socket_table import Listener, parse_socket_table

ROUTE = """\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	100	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
eth1	0000A8C0	00000000	0000	0	0	0	0000FFFF	0	0	0
"""
IPV6_ROUTE = """\
fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000002 00000000 00000003     eth0
00000000000000000000000000000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000002 00000000 80200001       lo
ff000000000000000000000000000000 08 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000003 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
"""  # noqa: E501 (as the kernel writes it)
TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 4711 1 0000 100 0 0 10 0
   1: 020200C0:0016 070200C0:C1AA 01 00000000:00000000 02:000A7D5A 00000000     0        0 4712 2 0000 20 4 30 10 -1
   2: 020200C0:0016 080200C0:C1AB 06 00000000:00000000 03:000A7D5A 00000000     0        0 0 3 0000
"""
TCP6 = (
    "  0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000     0        0 99 1\n"
)
UDP = (
    " 12: 00000000:0044 00000000:0000 07 00000000:00000200 00:00000000 00000000     0        0 55 2 0000 0\n"
    " 13: 0100007F:A001 0100007F:0035 01 00000000:00000000 00:00000000 00000000     0        0 56 2 0000 0\n"
)


def test_routes_of_ipv4() -> None:
    """Default and network routes; what is down is left out."""
    routes = [(r.destination, r.gateway, r.interface, r.metric, r.family) for r in parse_ip_route(ROUTE)]
    assert routes == [("default", "192.0.2.1", "eth0", 100, 4), ("192.0.2.0/24", "", "eth0", 0, 4)]


def test_routes_of_ipv6() -> None:
    """The machine's own addresses, multicast and rejects are left out."""
    routes = [(r.destination, r.gateway, r.interface, r.metric, r.family) for r in parse_ipv6_route(IPV6_ROUTE)]
    assert routes == [("fd00::/64", "", "eth0", 256, 6), ("default", "fd00::1", "eth0", 1024, 6)]


def test_resolvers_are_read_as_the_c_library_reads_them() -> None:
    """The last search line counts, comments end a line, words are split at any blank."""
    facts = parse_resolv_conf(
        "# head\nnameserver 192.0.2.53\nnameserver\tfd00::53 ; second\nnameserver\ndomain old.example\n"
        "search a.example b.example\noptions edns0 timeout:2\noptions rotate\n;end"
    )
    assert list(facts.name_servers) == ["192.0.2.53", "fd00::53"]
    assert list(facts.search_domains) == ["a.example", "b.example"]
    assert list(facts.options) == ["edns0", "timeout:2", "rotate"]


def test_host_sources_are_the_hosts_line() -> None:
    """Commented lines and other databases are no source of hosts."""
    assert parse_host_sources("passwd: files\n#hosts: nis\nhosts:   files mdns4_minimal [NOTFOUND=return] dns\n") == [
        "files",
        "mdns4_minimal",
        "[NOTFOUND=return]",
        "dns",
    ]


def test_sockets_are_counted_by_state() -> None:
    """A listener's queue is what waits to be accepted."""
    table = parse_socket_table(TCP, connected=True)
    assert table.counts == {"LISTEN": 1, "ESTABLISHED": 1, "TIME_WAIT": 1}
    assert table.listeners == (Listener(line=2, address="0.0.0.0", port=22, queue=3, inode=4711),)


def test_addresses_of_ipv6_are_words_in_the_machines_order() -> None:
    """Here the loopback address."""
    assert parse_socket_table(TCP6, connected=True).listeners[0].address == "::1"


def test_udp_knows_no_states() -> None:
    """A socket that is connected to one other waits for nobody else."""
    table = parse_socket_table(UDP, connected=False)
    assert table.counts == {"": 2}
    assert [(listener.port, listener.queue) for listener in table.listeners] == [(68, 512)]


def test_protocol_counters_pair_names_with_numbers() -> None:
    """Negative limits are numbers too; a pair of unequal length is passed over."""
    text = "Ip: A B\nIp: 1 2\nTcp: MaxConn OutSegs\nTcp: -1 7\nUdp: X Y\nUdp: 1\nTcpExt: ListenDrops\nTcpExt: 9\n"
    assert parse_protocol_counters(text) == {
        "Ip.A": 1,
        "Ip.B": 2,
        "Tcp.MaxConn": -1,
        "Tcp.OutSegs": 7,
        "TcpExt.ListenDrops": 9,
    }


def test_sockstat_is_names_and_numbers() -> None:
    """One level deep."""
    assert parse_sockstat("sockets: used 16\nTCP: inuse 1 orphan 4 mem\n") == {
        "sockets.used": 16,
        "TCP.inuse": 1,
        "TCP.orphan": 4,
    }


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """No text makes these parsers fail."""
    parse_ip_route(text)
    parse_ipv6_route(text)
    parse_resolv_conf(text)
    parse_host_sources(text)
    parse_socket_table(text, connected=True)
    parse_protocol_counters(text)
    parse_sockstat(text)


@given(st.lists(st.text(alphabet="0123456789ABCDEFabcdefx:", max_size=34), max_size=12))
def test_nearly_right_rows_are_read(words: list[str]) -> None:
    """Nor do rows of the right letters."""
    row = " ".join(words)
    parse_ip_route(row)
    parse_ipv6_route(row)
    parse_socket_table(f"0: {row}", connected=True)
