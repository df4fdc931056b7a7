"""Pseudonyms of IP addresses: they keep the subnet, are seen to be masked, and lie in no range that anyone uses.

What is masked, and where to (nothing is looked up, every step is reversible with the key):

  10.0.0.0/8      -> 250.0.0.0/8       class E is reserved by RFC 1112 and routed nowhere. Netmasks (240, 248, 252,
  172.16.0.0/12   -> 251.16.0.0/12     254, 255 ...) and the 240-244 of some clouds' inner routers stay distinct.
  192.168.0.0/16  -> 251.168.0.0/16
  100.64.0.0/10   -> 251.64.0.0/10     carrier-grade NAT
  public IPv4     -> 256..511.b.c.d    There are fourteen times more public addresses than reserved ones, so no scheme
                                       without a table can put each on its own reserved address. A first octet over
                                       255 keeps the written form (ports, prefix lengths) and cannot be a real one.
  2000::/3        -> a000::/3 (c000::/3 where it was written with leading zeros): unassigned, RFC 4291 section 2.4
  fc00::/7        -> f400::/7 (f600::/7): unassigned
  fe80::/64       -> fe80:0:0:ca5e::/64: still link-local; RFC 4291 wants those bits to be zero, so none is real

Special ranges (loopback, link-local IPv4, multicast, documentation, benchmarks, reserved) and public resolvers that
everybody knows stay as they are, and so does what is masked already.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from caseprobe.redaction.permutation import derive, permute_prefixes, restore_prefixes


@dataclass(frozen=True)
class Moved:
    """A range and the reserved one of the same size that stands for it; padded: for addresses in full spelling."""

    source: IPv4Network | IPv6Network
    target: IPv4Network | IPv6Network
    padded: bool = False


MOVED_IPV4 = (
    Moved(IPv4Network("10.0.0.0/8"), IPv4Network("250.0.0.0/8")),
    Moved(IPv4Network("172.16.0.0/12"), IPv4Network("251.16.0.0/12")),
    Moved(IPv4Network("192.168.0.0/16"), IPv4Network("251.168.0.0/16")),
    Moved(IPv4Network("100.64.0.0/10"), IPv4Network("251.64.0.0/10")),
)
MOVED_IPV6 = (
    Moved(IPv6Network("2000::/3"), IPv6Network("a000::/3")),
    Moved(IPv6Network("2000::/3"), IPv6Network("c000::/3"), padded=True),
    Moved(IPv6Network("fc00::/7"), IPv6Network("f400::/7")),
    Moved(IPv6Network("fc00::/7"), IPv6Network("f600::/7"), padded=True),
    Moved(IPv6Network("fe80::/64"), IPv6Network("fe80:0:0:ca5e::/64")),
    Moved(IPv6Network("fe80::/64"), IPv6Network("fe80:0:0:ca5f::/64"), padded=True),
)
KEPT_IPV4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
KEPT_IPV6 = (IPv6Network("2001:db8::/32"), IPv6Network("3fff::/20"))
# Anycast resolvers that half the world uses: they identify nobody, and which one is asked is what support must see.
WELL_KNOWN = frozenset(
    (
        *("1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "9.9.9.9", "149.112.112.112", "208.67.222.222", "208.67.220.220"),
        *("114.114.114.114", "223.5.5.5", "223.6.6.6", "119.29.29.29", "77.88.8.8", "77.88.8.1"),
        *("2606:4700:4700::1111", "2606:4700:4700::1001", "2001:4860:4860::8888", "2001:4860:4860::8844"),
        *("2620:fe::fe", "2620:fe::9", "2400:3200::1", "2400:3200:baba::1", "2a02:6b8::feed:ff"),
    )
)
# A host part this small was chosen by hand (fe80::1) and tells nothing; larger ones hold the MAC address.
LINK_LOCAL_TELLS_NOTHING = 0xFFFF


class Addresses:
    """Masks and restores IP addresses with one key."""

    def __init__(self, key: bytes) -> None:
        """key: the machine's redaction key."""
        self._ipv4 = derive(key, "ipv4")
        self._public = derive(key, "ipv4 public")
        self._ipv6 = derive(key, "ipv6")

    def mask(self, text: str) -> str:
        """The pseudonym of one address as written, without prefix length or zone; special ranges as they are.

        Text that is not an address in a spelling that can be restored raises ValueError.

        >>> masked = Addresses(b"key").mask("10.1.2.3")
        >>> masked.startswith("250."), Addresses(b"key").unmask(masked)
        (True, '10.1.2.3')
        >>> Addresses(b"key").mask("127.0.0.1")
        '127.0.0.1'
        """
        if text in WELL_KNOWN:
            return text
        return self._mask_ipv6(text) if ":" in text else self._mask_ipv4(IPv4Address(text))

    def mask_written(self, text: str) -> str:
        """As mask; an address in a spelling that could not be restored is masked as it is usually written.

        >>> Addresses(b"key").mask_written("fd00:0:0:0:0:0:0:1") == Addresses(b"key").mask("fd00::1")
        True
        """
        try:
            return self.mask(text)
        except ValueError:
            return self.mask(str(ip_address(text)))

    def unmask(self, text: str) -> str:
        """What mask was given; text that is not masked, as it is."""
        if ":" in text:
            return self._unmask_ipv6(text)
        first, _, rest = text.partition(".")
        if int(first) > 255:
            octets = bytes([int(first) - 256, *map(int, rest.split("."))])
            return str(IPv4Address(restore_prefixes(self._public, octets)))
        moved = _find(IPv4Address(text), ((move.target, move) for move in MOVED_IPV4))
        return text if moved is None else str(_restored(self._ipv4, IPv4Address(text), moved))

    def mask_path(self, address: bytes) -> bytes:
        """A hop's address of 4 or 16 bytes: private ones masked, public routers of a path as they are.

        Raises ValueError for any other length.
        """
        if len(address) == 4:
            moved = _find(IPv4Address(address), ((move.source, move) for move in MOVED_IPV4))
            return address if moved is None else _moved(self._ipv4, address, moved)
        six = IPv6Address(address)
        if six.ipv4_mapped is not None:
            return address[:12] + self.mask_path(address[12:])
        moved = _find_ipv6(six, padded=False)
        public = moved is None or moved.source.prefixlen == 3
        return address if public or moved is None else _moved(self._ipv6, address, moved)

    def _mask_ipv4(self, address: IPv4Address) -> str:
        moved = _find(address, ((move.source, move) for move in MOVED_IPV4))
        if moved is not None:
            return str(IPv4Address(_moved(self._ipv4, address.packed, moved)))
        if any(address in network for network in KEPT_IPV4):
            return str(address)
        first, *rest = permute_prefixes(self._public, address.packed)
        return ".".join(map(str, (first + 256, *rest)))

    def _mask_ipv6(self, text: str) -> str:
        address, spelling = _spelling(text)
        moved = _find_ipv6(address, padded=spelling.startswith("padded"))
        if moved is None or any(address in network for network in KEPT_IPV6):
            return text
        return _spell(IPv6Address(_moved(self._ipv6, address.packed, moved)), spelling)

    def _unmask_ipv6(self, text: str) -> str:
        address = IPv6Address(text)
        moved = _find(address, ((move.target, move) for move in MOVED_IPV6))
        if moved is None:
            return text
        spelling = ("padded" if moved.padded else "short") + (" upper" if text[0].isupper() else "")
        return _spell(_restored(self._ipv6, address, moved), spelling)


def _find(address: IPv4Address | IPv6Address, moves: Iterator[tuple[IPv4Network | IPv6Network, Moved]]) -> Moved | None:
    """The move whose given side holds the address."""
    return next((move for network, move in moves if address in network), None)


def _find_ipv6(address: IPv6Address, padded: bool) -> Moved | None:
    """The move of an address to be masked, for its spelling."""
    moved = _find(address, ((move.source, move) for move in MOVED_IPV6 if move.padded is padded))
    tells_nothing = moved is not None and moved.source.prefixlen == 64 and int(address) & (1 << 64) - 1
    return None if isinstance(tells_nothing, int) and 0 < tells_nothing <= LINK_LOCAL_TELLS_NOTHING else moved


def _moved(key: bytes, packed: bytes, move: Moved) -> bytes:
    """The bytes of an address of move.source, permuted, in move.target."""
    permuted = int.from_bytes(permute_prefixes(key, packed, move.source.prefixlen), "big")
    return (permuted & int(move.source.hostmask) | int(move.target.network_address)).to_bytes(len(packed), "big")


def _restored(key: bytes, address: IPv4Address | IPv6Address, move: Moved) -> IPv4Address | IPv6Address:
    """The address of move.source that _moved put here."""
    inside = int(address) & int(move.target.hostmask) | int(move.source.network_address)
    # The permutation hangs on the source's own leading bits, so they are put back before it is undone.
    plain = restore_prefixes(key, inside.to_bytes(len(address.packed), "big"), move.source.prefixlen)
    return type(address)(plain)


def _spelling(text: str) -> tuple[IPv6Address, str]:
    """An IPv6 address and how it is written: "short", "short upper", "padded" or "padded upper"; else ValueError."""
    address = IPv6Address(text)
    for spelling in ("short", "padded", "short upper", "padded upper"):
        if _spell(address, spelling) == text:
            return address, spelling
    raise ValueError("an IPv6 address in a mixed spelling")


def _spell(address: IPv4Address | IPv6Address, spelling: str) -> str:
    """An address written in a given way."""
    text = address.exploded if spelling.startswith("padded") else str(address)
    return text.upper() if spelling.endswith("upper") else text
