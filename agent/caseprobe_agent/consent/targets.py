"""What kind of address a target is, and whether a list covers it: pure."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

# Clouds answer on these with credentials of the machine itself (AWS, Azure, Google, Alibaba).
METADATA = ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "fe80::a9fe:a9fe")
LOOPBACK_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")


def literal(target: str) -> Address | None:
    """The address that a target is written as, or None for a name.

    A zone is dropped; an IPv4 address inside IPv6 is that IPv4 address, so it cannot slip past a rule.

    >>> literal("::ffff:127.0.0.1")
    IPv4Address('127.0.0.1')
    """
    try:
        return plain(ip_address(target.strip("[]").partition("%")[0]))
    except ValueError:
        return None


def plain(address: Address) -> Address:
    """The IPv4 address that is mapped, translated (NAT64) or tunnelled (6to4) inside IPv6, else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in ip_network("64:ff9b::/96"):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def special(target: str, address: Address | None) -> str:
    """Why a target is not an ordinary one: loopback, metadata, link-local …; empty for an ordinary target.

    >>> special("169.254.169.254", None), special("localhost", None), special("203.0.113.7", None)
    ('metadata', 'loopback', '')
    """
    known = plain(address) if address else literal(target)
    if known is None:
        return "loopback" if target.rstrip(".").lower() in LOOPBACK_NAMES else ""
    if known in {ip_address(text) for text in METADATA}:
        return "metadata"
    for name, holds in (
        ("loopback", known.is_loopback or known in ip_network("0.0.0.0/8")),
        ("link-local", known.is_link_local),
        ("multicast", known.is_multicast),
        ("unspecified", known.is_unspecified),
        ("broadcast", known == IPv4Address("255.255.255.255")),
        ("reserved", isinstance(known, IPv4Address) and known.is_reserved),
    ):
        if holds:
            return name
    return ""


def covers(wanted: Iterable[str], target: str, address: Address | None) -> bool:
    """True where a list of addresses, networks and names holds the target, or the address that it turned out to be.

    A name in the list covers that name and what is below it.

    >>> covers(["198.51.100.0/24", "example.org"], "www.example.org", None)
    True
    """
    known = plain(address) if address else literal(target)
    name = target.rstrip(".").lower()
    return any(_covers(entry, name, known) for entry in wanted)


def _covers(entry: str, name: str, known: Address | None) -> bool:
    """One entry of a list against a target's name and address."""
    try:
        network = ip_network(entry, strict=False)
    except ValueError:
        listed = entry.rstrip(".").lower()
        return name == listed or name.endswith("." + listed)
    if known is None and name in LOOPBACK_NAMES:
        return network.is_loopback
    return known is not None and known.version == network.version and known in network
