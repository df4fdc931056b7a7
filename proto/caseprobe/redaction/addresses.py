"""Pseudonyms of IP addresses: they keep the subnet, are seen to be masked, and lie in no range that anyone uses.

What is masked, and where to (nothing is looked up, every step is reversible with the key):

  10.0.0.0/8      -> 250.0.0.0/8       class E is reserved by RFC 1112 and routed nowhere. Netmasks (240, 248, 252,
  172.16.0.0/12   -> 251.16.0.0/12     254, 255 ...) and the 240-244 of some clouds' inner routers stay distinct.
  192.168.0.0/16  -> 251.168.0.0/16
  100.64.0.0/10   -> 251.64.0.0/10     carrier-grade NAT
  public IPv4     -> 256..511.b.c.d    There are fourteen times more public addresses than reserved ones, so no scheme
                                       without a table can put each on its own reserved address. A first octet over
                                       255 keeps the written form (ports, prefix lengths) and cannot be a real one.
  2000::/3        -> a000::/3: unassigned, RFC 4291 section 2.4
  fc00::/7        -> f400::/7: unassigned
  fe80::/64       -> fe9a::/64: still link-local (fe80::/10); RFC 4291 wants those bits to be zero, so none is real

A group of an IPv6 address keeps its number of digits, and zero stays zero: so a pseudonym is written as the address was
written (short, with all zeros, padded, in capitals), it is the same address in every spelling, and columns stay.

Special ranges (loopback, link-local IPv4, multicast, documentation, benchmarks, reserved) and public resolvers that
everybody knows stay as they are, and so does what is masked already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from caseprobe.redaction.casing import dressed, undressed
from caseprobe.redaction.permutation import Prefixes, derive


@dataclass(frozen=True)
class Moved:
    """A range and the reserved one of the same size that stands for it."""

    source: IPv4Network | IPv6Network
    target: IPv4Network | IPv6Network


MOVED_IPV4 = (
    Moved(IPv4Network("10.0.0.0/8"), IPv4Network("250.0.0.0/8")),
    Moved(IPv4Network("172.16.0.0/12"), IPv4Network("251.16.0.0/12")),
    Moved(IPv4Network("192.168.0.0/16"), IPv4Network("251.168.0.0/16")),
    Moved(IPv4Network("100.64.0.0/10"), IPv4Network("251.64.0.0/10")),
)
MOVED_IPV6 = (
    Moved(IPv6Network("2000::/3"), IPv6Network("a000::/3")),
    Moved(IPv6Network("fc00::/7"), IPv6Network("f400::/7")),
    Moved(IPv6Network("fe80::/64"), IPv6Network("fe9a::/64")),
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


# Numbers from 0 to 255 as addresses have them.
NUMBERS = tuple(b"%d" % octet for octet in range(256))
OCTETS = {number: octet for octet, number in enumerate(NUMBERS)}
# A network of two octets: what permutes in it, its octets, what permutes the next one, its pseudonym's text.
Network = tuple[Prefixes, bytes, bytes, bytes]
# At hand; more are made anew, so memory stays bounded at any number of addresses.
NETWORKS, AT_HAND = 1 << 16, 1 << 13
WELL_KNOWN_BYTES = frozenset(text.encode() for text in WELL_KNOWN)
# Of two octets, with ranges of three in them.
MIXED_NETWORKS = frozenset(
    b".".join(str(network[0]).encode().split(b".")[:2]) for network in KEPT_IPV4 if network.prefixlen > 16
)


class Addresses:
    """Masks and restores IP addresses with one key."""

    def __init__(self, key: bytes) -> None:
        """key: the machine's redaction key."""
        self._ipv4 = Prefixes(derive(key, "ipv4"))
        self._public = Prefixes(derive(key, "ipv4 public"))
        self._ipv6 = Prefixes(derive(key, "ipv6"), in_groups=True)
        self._networks: dict[bytes, Network] = {}
        self._at_hand: dict[bytes, bytes] = {}

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
        return self._mask_ipv6(text) if ":" in text else self._mask_ipv4(text)

    def mask_all(self, texts: Sequence[bytes]) -> list[bytes]:
        """The pseudonym of each of many IPv4 addresses; the very same object for what stays, and for what is none."""
        at_hand, made = self._at_hand, self._made
        return [at_hand.get(text) or made(text) for text in texts]

    def _made(self, text: bytes) -> bytes:
        """The pseudonym of one address, in little time even where none comes twice: by what is known of its network."""
        network, third, fourth = text.rsplit(b".", 2)
        known = self._networks.get(network) or self._learned(network)
        if known is None or third not in OCTETS or fourth not in OCTETS or text in WELL_KNOWN_BYTES:
            return self._kept(text)
        permutation, packed, nodes, prefix = known
        low, lowest = permutation.last_two(packed, nodes, OCTETS[third], OCTETS[fourth])
        masked = prefix + NUMBERS[low] + b"." + NUMBERS[lowest]
        if len(self._at_hand) >= AT_HAND:
            self._at_hand.clear()
        self._at_hand[text] = masked
        return masked

    def _kept(self, text: bytes) -> bytes:
        """The pseudonym of an address in a network of which more than two octets decide; text that is none stays."""
        try:
            masked = self.mask(text.decode("ascii")).encode("ascii")
        except ValueError:
            return text
        return text if masked == text else masked

    def _learned(self, network: bytes) -> Network | None:
        """What is known of a network of two octets, where all addresses in it go one way; else None."""
        first, _, second = network.partition(b".")
        if first not in OCTETS or second not in OCTETS or network in MIXED_NETWORKS:
            return None
        packed = bytes((OCTETS[first], OCTETS[second]))
        move = _move_of(packed + b"\0\0")
        if move is True:
            return None
        if isinstance(move, Moved):
            permutation, prefix = self._ipv4, self._kept(network + b".0.0").rsplit(b".", 2)[0]
        else:
            high, low = self._public.permute(packed)
            permutation, prefix = self._public, b"%d.%d" % (high + 256, low)
        if len(self._networks) >= NETWORKS:
            self._networks.clear()
        known = (permutation, packed, permutation.nodes(packed), prefix + b".")
        self._networks[network] = known
        return known

    def unmask(self, text: str) -> str:
        """What mask was given; text that is not masked, as it is."""
        if ":" in text:
            return self._unmask_ipv6(text)
        first, _, rest = text.partition(".")
        if int(first) > 255:
            octets = bytes([int(first) - 256, *map(int, rest.split("."))])
            return str(IPv4Address(self._public.restore(octets)))
        moved = _find(IPv4Address(text), ((move.target, move) for move in MOVED_IPV4))
        return text if moved is None else str(_restored(self._ipv4, IPv4Address(text), moved))

    def mask_nibbles(self, text: str, back: bool = False) -> str:
        """An IPv6 address as name servers write it, its 32 digits from the last to the first; back: what it was."""
        digits = text.replace(".", "")[::-1]
        spelled = ":".join(digits[at : at + 4] for at in range(0, 32, 4))
        masked = self.unmask(spelled) if back else self.mask(spelled)
        return ".".join(masked.replace(":", "")[::-1])

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
        moved = _find_ipv6(six)
        public = moved is None or moved.source.prefixlen == 3
        return address if public or moved is None else _moved(self._ipv6, address, moved)

    def _mask_ipv4(self, text: str) -> str:
        packed = _packed(text)
        move = _move_of(packed)
        if isinstance(move, Moved):
            return ".".join(map(str, _moved(self._ipv4, packed, move)))
        if move:
            return text
        first, second, third, fourth = self._public.permute(packed)
        return f"{first + 256}.{second}.{third}.{fourth}"

    def _mask_ipv6(self, text: str) -> str:
        address = IPv6Address(text)
        moved = _find_ipv6(address)
        if moved is None or any(address in network for network in KEPT_IPV6):
            return text
        masked = dressed(_spelled(_moved(self._ipv6, address.packed, moved), text), text)
        if masked is None:
            raise ValueError("an IPv6 address in more cases of letters than its pseudonym could carry")
        return masked

    def _unmask_ipv6(self, text: str) -> str:
        address = IPv6Address(text)
        moved = _find(address, ((move.target, move) for move in MOVED_IPV6))
        if moved is None:
            return text
        return undressed(_spelled(_restored(self._ipv6, address, moved).packed, text), text)


def _find(address: IPv4Address | IPv6Address, moves: Iterator[tuple[IPv4Network | IPv6Network, Moved]]) -> Moved | None:
    """The move whose given side holds the address."""
    return next((move for network, move in moves if address in network), None)


def _find_ipv6(address: IPv6Address) -> Moved | None:
    """The move of an address to be masked."""
    moved = _find(address, ((move.source, move) for move in MOVED_IPV6))
    host = int(address) & (1 << 64) - 1
    tells_nothing = moved is not None and moved.source.prefixlen == 64 and 0 < host <= LINK_LOCAL_TELLS_NOTHING
    return None if tells_nothing else moved


def _packed(text: str) -> bytes:
    """The four bytes of an IPv4 address in its usual spelling; anything else raises ValueError."""
    packed = bytes(map(int, text.split(".")))
    if len(packed) != 4 or ".".join(map(str, packed)) != text:
        raise ValueError("not an IPv4 address in its usual spelling")
    return packed


def _by_first_octet() -> tuple[tuple[tuple[int, int, Moved | bool], ...], ...]:
    """For each first octet the special networks in it: mask, address, and the move, or True for what is kept."""
    every: list[tuple[IPv4Network | IPv6Network, Moved | bool]] = [(move.source, move) for move in MOVED_IPV4]
    every += [(network, True) for network in KEPT_IPV4]
    found: list[list[tuple[int, int, Moved | bool]]] = [[] for _ in range(256)]
    for network, move in every:
        for first in range(network[0].packed[0], network[-1].packed[0] + 1):
            found[first].append((int(network.netmask), int(network.network_address), move))
    return tuple(map(tuple, found))


_SPECIAL = _by_first_octet()


def _move_of(packed: bytes) -> Moved | bool:
    """Where an IPv4 address goes: a range's move, True where it stays, False for public ones."""
    if not _SPECIAL[packed[0]]:
        return False
    value = int.from_bytes(packed, "big")
    return next((move for mask, network, move in _SPECIAL[packed[0]] if value & mask == network), False)


def _moved(permutation: Prefixes, packed: bytes, move: Moved) -> bytes:
    """The bytes of an address of move.source, permuted, in move.target."""
    permuted = int.from_bytes(permutation.permute(packed, move.source.prefixlen), "big")
    return (permuted & int(move.source.hostmask) | int(move.target.network_address)).to_bytes(len(packed), "big")


def _restored(permutation: Prefixes, address: IPv4Address | IPv6Address, move: Moved) -> IPv4Address | IPv6Address:
    """The address of move.source that _moved put here."""
    inside = int(address) & int(move.target.hostmask) | int(move.source.network_address)
    # The permutation hangs on the source's own leading bits, so they are put back before it is undone.
    plain = permutation.restore(inside.to_bytes(len(address.packed), "big"), move.source.prefixlen)
    return type(address)(plain)


def _spelled(packed: bytes, like: str) -> str:
    """An IPv6 address in lower case, each group as wide as in another one's text, "::" in the same place."""
    if "." in like:
        raise ValueError("an IPv6 address that ends in an IPv4 address")
    written = like.split(":")
    groups = iter(f"{packed[at]:02x}{packed[at + 1]:02x}" for at in range(0, 16, 2))
    left_out = 8 - sum(map(bool, written))
    parts: list[str] = []
    for group in written:
        if group:
            parts.append(next(groups)[4 - len(group) :])
            continue
        parts.append("")
        for _ in range(left_out):
            next(groups)
        left_out = 0
    return ":".join(parts)
