"""DNS messages (RFC 1035): one question, and the head of its answer."""

from __future__ import annotations

import struct
from dataclasses import dataclass

HEADER = struct.Struct("!HHHHHH")
RESPONSE, TRUNCATED, RECURSION_DESIRED, RECURSION_AVAILABLE = 1 << 15, 1 << 9, 1 << 8, 1 << 7
TYPES = {"A": 1, "NS": 2, "SOA": 6}
INTERNET = 1
RCODES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")
LONGEST_LABEL = 63


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
