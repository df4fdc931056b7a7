"""DNS messages (RFC 1035): one question, the head of its answer, and the addresses in it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

HEADER = struct.Struct("!HHHHHH")
RESPONSE, TRUNCATED, RECURSION_DESIRED, RECURSION_AVAILABLE = 1 << 15, 1 << 9, 1 << 8, 1 << 7
TYPES = {"A": 1, "NS": 2, "SOA": 6, "AAAA": 28}
ADDRESS_BYTES = {TYPES["A"]: 4, TYPES["AAAA"]: 16}
INTERNET = 1
RCODES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")
LONGEST_LABEL = 63
POINTER = 0xC0


@dataclass(frozen=True)
class DnsAnswer:
    """What the head of an answer says."""

    rcode: str
    truncated: bool
    recursion_available: bool
    answers_total: int


def build_query(number: int, name: str, kind: str) -> bytes:
    """A question with recursion desired; name "." or "" is the root. Raises ValueError for what is no name.

    >>> build_query(1, ".", "NS").hex()
    '0001010000010000000000000000020001'
    """
    return HEADER.pack(number, RECURSION_DESIRED, 1, 0, 0, 0) + _question(name, kind)


def _question(name: str, kind: str) -> bytes:
    labels = [label.encode("idna") for label in name.split(".") if label]
    if any(len(label) > LONGEST_LABEL for label in labels):
        raise ValueError(f"{name} is no domain name")
    wire = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return wire + struct.pack("!HH", TYPES[kind], INTERNET)


def read_answer(data: bytes, query: bytes) -> DnsAnswer:
    """The head of the answer to this query; raises ValueError for what is none (another number, another question)."""
    if len(data) < HEADER.size:
        raise ValueError("the answer is too short")
    _, flags, questions, answers, _, _ = HEADER.unpack_from(data)
    if data[:2] != query[:2] or not flags & RESPONSE:
        raise ValueError("the answer belongs to another question")
    # Some servers leave the question out where they refuse; where it is there it must be ours.
    asked = query[HEADER.size :].lower()
    if questions and data[HEADER.size : HEADER.size + len(asked)].lower() != asked:
        raise ValueError("the answer belongs to another question")
    code = flags & 15
    name = RCODES[code] if code < len(RCODES) else f"RCODE{code}"
    return DnsAnswer(name, bool(flags & TRUNCATED), bool(flags & RECURSION_AVAILABLE), answers)


def read_addresses(data: bytes) -> list[bytes]:
    """The addresses that an answer tells, 4 or 16 bytes each, in its order; a cut or a false length ends them.

    >>> head, record = HEADER.pack(1, RESPONSE, 0, 1, 0, 0), struct.pack("!xHHIH4B", 1, 1, 60, 4, 192, 0, 2, 1)
    >>> read_addresses(head + record), read_addresses(head + record[:-1])
    ([b'\\xc0\\x00\\x02\\x01'], [])
    """
    if len(data) < HEADER.size:
        return []
    _, _, questions, answers, _, _ = HEADER.unpack_from(data)
    try:
        return list(_addresses(data, questions, answers))
    except (struct.error, IndexError):
        return []


def _addresses(data: bytes, questions: int, answers: int) -> Iterator[bytes]:
    place = HEADER.size
    for _ in range(questions):
        place = _behind_name(data, place) + 4
    for _ in range(answers):
        place = _behind_name(data, place)
        kind, _, _, length = struct.unpack_from("!HHIH", data, place)
        place += 10
        value = data[place : place + length]
        if length == len(value) == ADDRESS_BYTES.get(kind):
            yield value
        place += length


def _behind_name(data: bytes, place: int) -> int:
    """Where a name ends: behind its empty label, or behind the pointer that it goes on with."""
    while data[place]:
        if data[place] >= POINTER:
            return place + 2
        place += 1 + data[place]
    return place + 1
