"""Bech32, the letters in which age writes its keys: 32 letters, a checksum that finds slips. Source: BIP 173."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
CHECKSUM = 6


def encode(kind: str, data: bytes) -> str:
    """Bytes under a word that says what they are.

    >>> encode("age", bytes(4))
    'age1qqqqqqqd9e8ae'
    """
    values = list(_regrouped(data, 8, 5))
    state = _polymod([*_expanded(kind), *values, *[0] * CHECKSUM]) ^ 1
    check = [(state >> 5 * (CHECKSUM - 1 - place)) & 31 for place in range(CHECKSUM)]
    return f"{kind}1" + "".join(LETTERS[value] for value in [*values, *check])


def decode(kind: str, text: str) -> bytes:
    """The bytes; raises ValueError for another word, a stray letter, a wrong checksum.

    >>> decode("age", encode("age", b"\\1\\2\\3"))
    b'\\x01\\x02\\x03'
    """
    if text != text.lower() or not text.startswith(f"{kind}1"):
        raise ValueError(f"it does not begin with {kind}1")
    values = [LETTERS.index(letter) for letter in text[len(kind) + 1 :]]
    if len(values) < CHECKSUM or _polymod([*_expanded(kind), *values]) != 1:
        raise ValueError("its checksum is wrong")
    body = values[:-CHECKSUM]
    data = bytes(_regrouped(body, 5, 8))
    if len(data) != len(body) * 5 // 8 or list(_regrouped(data, 8, 5)) != body:
        raise ValueError("it has stray bits")
    return data


def _expanded(kind: str) -> list[int]:
    return [ord(letter) >> 5 for letter in kind] + [0] + [ord(letter) & 31 for letter in kind]


def _polymod(values: Iterable[int]) -> int:
    state = 1
    for value in values:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for place, part in enumerate(GENERATOR):
            state ^= part if top >> place & 1 else 0
    return state


def _regrouped(values: Iterable[int], size: int, wanted: int) -> Iterator[int]:
    """The same bits in groups of another size; what is left fills a last group only when groups get smaller."""
    held = bits = 0
    for value in values:
        held, bits = held << size | value, bits + size
        while bits >= wanted:
            bits -= wanted
            yield held >> bits & (1 << wanted) - 1
    if bits and wanted < size:
        yield held << wanted - bits & (1 << wanted) - 1
