"""Faults of the network and of services in it, in a network of their own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.faults.kind import Expected, Kind
from tests.faults.room import Room

ADDRESS = "127.0.0.53"


def _file(room: Room, target: str, text: str) -> None:
    """Put a file in place of another one, in this room only; folders that are not there are made in memory."""
    name = room.folder / target.strip("/").replace("/", "_")
    name.write_text(text)
    folder = Path(target).parent
    if not folder.exists():
        above = next(parent for parent in folder.parents if parent.exists())
        # What lies above stays as it is below the new layer.
        layer = room.folder / "layer"
        room.shell(f"mkdir -p {layer}/up {layer}/work")
        room.run(
            "mount", "-t", "overlay", "x", "-o", f"lowerdir={above},upperdir={layer}/up,workdir={layer}/work", above
        )
        room.run("mkdir", "-p", folder)
    room.shell(f"[ -e {target} ] || : > {target}")
    room.run("mount", "--bind", name, target)


@contextlib.contextmanager
def dead_resolver(room: Room) -> Iterator[Expected]:
    """One of two name servers is gone."""
    _file(room, "/etc/resolv.conf", f"nameserver 127.0.0.54\nnameserver {ADDRESS}\n")
    room.culprit("resolver", ADDRESS, 0, 0)
    yield Expected("127.0.0.54")


@contextlib.contextmanager
def failing_resolver(room: Room) -> Iterator[Expected]:
    """It answers, and cannot reach what is behind it."""
    _file(room, "/etc/resolv.conf", f"nameserver {ADDRESS}\n")
    room.culprit("resolver", ADDRESS, 2, 0)
    yield Expected(ADDRESS)


@contextlib.contextmanager
def slow_resolver(room: Room) -> Iterator[Expected]:
    """It takes its time."""
    _file(room, "/etc/resolv.conf", f"nameserver {ADDRESS}\n")
    room.culprit("resolver", ADDRESS, 0, 0.4)
    yield Expected(ADDRESS)


@contextlib.contextmanager
def dead_clock(room: Room) -> Iterator[Expected]:
    """The only time server is gone."""
    _file(room, "/etc/systemd/timesyncd.conf", "[Time]\nNTP=127.0.0.55\n")
    yield Expected("127.0.0.55")


@contextlib.contextmanager
def other_clock(room: Room) -> Iterator[Expected]:
    """The time server is two seconds ahead of us."""
    _file(room, "/etc/systemd/timesyncd.conf", "[Time]\nNTP=127.0.0.55\n")
    room.culprit("clock", "127.0.0.55", 2)
    yield Expected("127.0.0.55")


@contextlib.contextmanager
def unkept_clock(room: Room) -> Iterator[Expected]:
    """Nothing disciplines this machine's clock, as it is."""
    yield Expected("")


def _certificate(room: Room, days: int) -> tuple[Path, Path]:
    """Valid until so many days from now."""
    key, request, made = (room.folder / name for name in ("k.pem", "r.pem", "c.pem"))
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    room.run("openssl", "req", "-new", *curve, "-subj", "/CN=shop.example", "-keyout", key, "-out", request)
    # It was made two months ago: one that is made for days only is judged by days.
    made_then = ("faketime", "-f", "-60d", "openssl", "x509", "-req", "-in", request, "-signkey", key)
    room.run(*made_then, "-days", str(60 + days), "-out", made)
    return made, key


@contextlib.contextmanager
def expired_on_port(room: Room) -> Iterator[Expected]:
    """A listening port shows a certificate that has ended."""
    made, key = _certificate(room, -1)
    room.culprit("secured", 8443, made, key)
    yield Expected("127.0.0.1:8443")


@contextlib.contextmanager
def expiring_file(room: Room) -> Iterator[Expected]:
    """A configured certificate ends within days."""
    made, _ = _certificate(room, 3)
    _file(room, "/etc/nginx/nginx.conf", f"http {{ server {{ listen 443 ssl; ssl_certificate {made}; }} }}\n")
    yield Expected(str(made))


@contextlib.contextmanager
def dead_proxy(room: Room) -> Iterator[Expected]:
    """Programs are told to use a proxy that nobody runs."""
    yield Expected("127.0.0.1:3128")


@contextlib.contextmanager
def portal(room: Room) -> Iterator[Expected]:
    """The way out leads to a login page."""
    _file(room, "/etc/NetworkManager/NetworkManager.conf", "[connectivity]\nuri=http://127.0.0.80/nm\n")
    room.culprit("portal", "127.0.0.80", 80)
    yield Expected("http://127.0.0.80/nm")


@contextlib.contextmanager
def overflow(room: Room) -> Iterator[Expected]:
    """More clients than a listening queue takes."""
    room.culprit("listener", 4711)
    yield Expected("")


@contextlib.contextmanager
def conntrack(room: Room) -> Iterator[Expected]:
    """The table of connections is full."""
    limit = Path("/proc/sys/net/netfilter/nf_conntrack_max")
    before = limit.read_text()
    room.run(
        "nft", "add table ip t; add chain ip t c { type filter hook output priority 0; }; add rule ip t c ct state new"
    )
    limit.write_text("128")
    try:
        room.culprit("datagrams", "127.0.0.1", 300)
        yield Expected("")
    finally:
        limit.write_text(before)


@contextlib.contextmanager
def lossy_line(room: Room) -> Iterator[Expected]:
    """One segment of five is lost."""
    room.run("ip", "link", "set", "lo", "mtu", "1500")
    rule = "add rule ip t c ip daddr 127.0.0.9 tcp sport != 0 numgen random mod 5 == 0 drop"
    room.run("nft", f"add table ip t; add chain ip t c {{ type filter hook input priority 0; }}; {rule}")
    for port in range(4712, 4716):
        room.culprit("stream", "127.0.0.9", port, 20)
    yield Expected("")


@contextlib.contextmanager
def no_ports(room: Room) -> Iterator[Expected]:
    """All ports for outgoing connections are taken."""
    room.shell("echo 40000 40099 > /proc/sys/net/ipv4/ip_local_port_range")
    room.culprit("connections", 4713, 98)
    yield Expected("")


@contextlib.contextmanager
def flapping(room: Room) -> Iterator[Expected]:
    """A line that goes up and down."""
    room.shell("ip link add eth7 type veth peer name far7; ip link set eth7 up; ip link set far7 up")
    room.shell("for i in $(seq 30); do ip link set far7 down; ip link set far7 up; done")
    yield Expected("eth7")


ALL = (
    Kind("one dead name server", "dns.resolver", dead_resolver, network=True, profile="standard"),
    Kind("name server that fails", "dns.resolver", failing_resolver, network=True, profile="standard"),
    Kind("slow name server", "dns.resolver", slow_resolver, network=True, profile="standard"),
    Kind("dead time server", "time.server", dead_clock, network=True, profile="standard"),
    Kind("time server that disagrees", "time.server", other_clock, network=True, profile="standard"),
    Kind("clock that nobody keeps", "time.sync", unkept_clock),
    Kind(
        "expired certificate on a port",
        "cert.expiry",
        expired_on_port,
        network=True,
        profile="standard",
        needs=("openssl", "faketime"),
    ),
    Kind("configured certificate about to end", "cert.expiry", expiring_file, needs=("openssl", "faketime")),
    Kind(
        "dead proxy",
        "net.proxy",
        dead_proxy,
        network=True,
        profile="standard",
        variables={"http_proxy": "http://127.0.0.1:3128"},
    ),
    Kind("captive portal", "net.portal", portal, network=True, profile="standard"),
    Kind("listening queue overflows", "net.listen", overflow, network=True),
    Kind(
        "table of connections full",
        "net.conntrack",
        conntrack,
        network=True,
        needs=("nft",),
        kernel=("/proc/sys/net/netfilter/nf_conntrack_max",),
    ),
    Kind("line that loses packets", "net.retrans", lossy_line, network=True, needs=("nft",)),
    Kind("no ports left", "net.ports", no_ports, network=True),
    Kind("flapping link", "net.link", flapping, network=True, needs=("ip",)),
)
