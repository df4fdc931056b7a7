"""Keyed permutations: from them every pseudonym is made, so two values never share one and no table is kept.

All are reversible with the key and need nothing else. The key never leaves its machine.
"""

from __future__ import annotations

from hashlib import blake2b, shake_256

# Six rounds over two halves: well past the four that make a Feistel network a strong permutation.
ROUNDS = 6
# blake2b gives no more at once; it takes a third of the time of shake_256, which has no limit.
LONGEST_HASH = 64
CACHED_NETWORKS = 1 << 13
_OCTETS = tuple(bytes((octet,)) for octet in range(256))


def derive(key: bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose, so that kinds of identifier tell nothing about each other.

    >>> derive(b"k" * 32, "host") != derive(b"k" * 32, "user")
    True
    """
    return blake2b(purpose.encode(), key=blake2b(key).digest(), digest_size=32).digest()


def permute_prefixes(key: bytes, value: bytes, keep_bits: int = 0) -> bytes:
    """A number of whole bytes, permuted so that common prefixes stay common: subnets stay subnets.

    Two values that share exactly their first n bits give results that share exactly their first n bits.
    The first keep_bits are left as they are.
    Source: Xu, Fan, Ammar, Moon, "Prefix-preserving IP address anonymization", ICNP 2002; here one hash an octet.

    >>> a, b = (permute_prefixes(b"k", bytes(v)) for v in ([10, 1, 2, 3], [10, 1, 2, 200]))
    >>> a[:3] == b[:3], a[3] != b[3]
    (True, True)
    """
    return Prefixes(key).permute(value, keep_bits)


def restore_prefixes(key: bytes, masked: bytes, keep_bits: int = 0) -> bytes:
    """What permute_prefixes was given.

    >>> restore_prefixes(b"k", permute_prefixes(b"k", b"abcd", 4), 4)
    b'abcd'
    """
    return Prefixes(key).restore(masked, keep_bits)


class Prefixes:
    """permute_prefixes and restore_prefixes for many values with one key: a network's hash is made once.

    in_groups: groups of two bytes keep their highest set bit in its place, so a group of n hexadecimal digits stays
    one, zero stays zero, and an IPv6 address can be written as it was written.
    """

    def __init__(self, key: bytes, in_groups: bool = False) -> None:
        """key: at most 64 bytes."""
        # What every hash begins with; a copy of it costs less than to begin anew.
        self._begun, self._in_groups = blake2b(key=key, digest_size=32), in_groups
        self._hashes: dict[bytes, bytes] = {}

    def permute(self, value: bytes, keep_bits: int = 0) -> bytes:
        """The permuted value; its first keep_bits stay."""
        result = bytearray(value)
        for index, octet in enumerate(value):
            kept = self._kept(value, index, keep_bits) if self._in_groups or 8 * index < keep_bits else 0
            if kept < 8:
                result[index] = octet ^ _flips(octet, self._hash(value[:index])) & 0xFF >> kept
        return bytes(result)

    def last_two(self, network: bytes, nodes: bytes, third: int, fourth: int) -> tuple[int, int]:
        """The permuted last two of four octets; network: the first two; nodes: those of it."""
        below = self.nodes(network + _OCTETS[third])
        return third ^ _flips(third, nodes), fourth ^ _flips(fourth, below)

    def nodes(self, network: bytes) -> bytes:
        """What permutes the octet behind a network's: 256 bits, one for each of the 255 inner nodes of its binary tree.

        It says whether the node's two branches change places.
        """
        begun = self._begun.copy()
        begun.update(network)
        return begun.digest()

    def restore(self, masked: bytes, keep_bits: int = 0) -> bytes:
        """What permute was given."""
        plain = bytearray(masked)
        for index, octet in enumerate(masked):
            kept = self._kept(masked, index, keep_bits)
            if kept < 8:
                plain[index] = _restored(octet, self._hash(bytes(plain[:index])), kept)
        return bytes(plain)

    def _kept(self, value: bytes, index: int, keep_bits: int) -> int:
        """How many leading bits of an octet stay."""
        kept = min(max(keep_bits - 8 * index, 0), 8)
        if self._in_groups and (index % 2 == 0 or not value[index - 1]):
            # Its leading zeros and the one behind them.
            kept = min(max(kept, 9 - value[index].bit_length()), 8)
        return kept

    def _hash(self, prefix: bytes) -> bytes:
        """The nodes of a network; the latest are at hand, and memory stays bounded at any number of them."""
        found = self._hashes.get(prefix)
        if found is None:
            if len(self._hashes) >= CACHED_NETWORKS:
                self._hashes.clear()
            found = self.nodes(prefix)
            self._hashes[prefix] = found
        return found


def _flips(octet: int, nodes: bytes) -> int:
    """Which bits of an octet change: one node a level, numbered by the bits above it behind a one; from bit 0 on.

    Written out level by level, and the first three looked up, since this runs for every address of a log.
    """
    row, bit_3, at_4, bit_4, at_5, bit_5, at_6, bit_6, at_7, bit_7 = _PATHS[octet]
    flips = _FIRST_LEVELS[row | nodes[0]]
    if nodes[1] & bit_3:
        flips |= 16
    if nodes[at_4] & bit_4:
        flips |= 8
    if nodes[at_5] & bit_5:
        flips |= 4
    if nodes[at_6] & bit_6:
        flips |= 2
    if nodes[at_7] & bit_7:
        flips |= 1
    return flips


# Of each octet: its row in the table of the first levels, and byte and bit of its nodes below.
_PATHS = tuple(
    (
        *((octet & 0xE0) << 3, 1 << (octet >> 5)),
        *(2 | octet >> 7, 1 << (octet >> 4 & 7)),
        *(4 | octet >> 6, 1 << (octet >> 3 & 7)),
        *(8 | octet >> 5, 1 << (octet >> 2 & 7)),
        *(16 | octet >> 4, 1 << (octet >> 1 & 7)),
    )
    for octet in range(256)
)
# For an octet's first three bits and every first byte of nodes, which of these bits change.
_FIRST_LEVELS = bytes(
    (nodes >> 1 & 1) << 7 | (nodes >> (2 | bits >> 2) & 1) << 6 | (nodes >> (4 | bits >> 1) & 1) << 5
    for bits in range(8)
    for nodes in range(256)
)


def _restored(octet: int, nodes: bytes, kept: int) -> int:
    """The octet that was changed: level by level, since a node hangs on the plain bits above it."""
    for depth in range(kept, 8):
        node = 1 << depth | octet >> (8 - depth)
        octet ^= (nodes[node >> 3] >> (node & 7) & 1) << (7 - depth)
    return octet


def permute_bytes(key: bytes, value: bytes) -> bytes:
    """Any two or more bytes as as many others, with no visible relation between similar values.

    >>> len(permute_bytes(b"k", b"anna")), permute_bytes(b"k", b"anna") != b"anna"
    (4, True)
    """
    left, right = value[: len(value) // 2], value[len(value) // 2 :]
    for number in range(ROUNDS):
        left = _mix(key, 2 * number, left, right)
        right = _mix(key, 2 * number + 1, right, left)
    return left + right


def restore_bytes(key: bytes, masked: bytes) -> bytes:
    """What permute_bytes was given.

    >>> restore_bytes(b"k", permute_bytes(b"k", b"anna"))
    b'anna'
    """
    left, right = masked[: len(masked) // 2], masked[len(masked) // 2 :]
    for number in reversed(range(ROUNDS)):
        right = _mix(key, 2 * number + 1, right, left)
        left = _mix(key, 2 * number, left, right)
    return left + right


def _mix(key: bytes, number: int, half: bytes, other: bytes) -> bytes:
    """One half, with a keyed stream made of the other half added; its own inverse."""
    length = len(half)
    if length <= LONGEST_HASH:
        stream = blake2b(other, digest_size=length, key=key, salt=bytes([number])).digest()
    else:
        stream = shake_256(key + bytes([number]) + other).digest(length)
    return (int.from_bytes(half, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(half), "big")
