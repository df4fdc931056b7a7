"""Keyed permutations: from them every pseudonym is made, so two values never share one and no table is kept.

All are reversible with the key and need nothing else. The key never leaves its machine.
"""

from __future__ import annotations

from hashlib import blake2b, shake_256

# Six rounds over two halves: well past the four that make a Feistel network a strong permutation.
ROUNDS = 6
# blake2b gives no more at once; it takes a third of the time of shake_256, which has no limit.
LONGEST_HASH = 64


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
    result = bytearray()
    for index, octet in enumerate(value):
        kept = min(max(keep_bits - 8 * index, 0), 8)
        result.append(_flip(octet, _flips(key, value[:index]), kept, forward=True))
    return bytes(result)


def restore_prefixes(key: bytes, masked: bytes, keep_bits: int = 0) -> bytes:
    """What permute_prefixes was given.

    >>> restore_prefixes(b"k", permute_prefixes(b"k", b"abcd", 4), 4)
    b'abcd'
    """
    plain = bytearray()
    for index, octet in enumerate(masked):
        kept = min(max(keep_bits - 8 * index, 0), 8)
        plain.append(_flip(octet, _flips(key, bytes(plain)), kept, forward=False))
    return bytes(plain)


def _flips(key: bytes, prefix: bytes) -> int:
    """256 bits: for each of the 255 inner nodes of an octet's binary tree, whether its two branches change places."""
    return int.from_bytes(blake2b(prefix, key=key, digest_size=32).digest(), "big")


def _flip(octet: int, flips: int, kept: int, forward: bool) -> int:
    """One octet walked down the tree; the first kept bits are not flipped."""
    node, result = 1, 0
    for position in range(8):
        bit = octet >> (7 - position) & 1
        out = bit if position < kept else bit ^ (flips >> node & 1)
        result = result << 1 | out
        node = node << 1 | (bit if forward else out)
    return result


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
