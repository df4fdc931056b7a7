"""SNTP (RFC 4330): one question of 48 bytes, and what the answer says of two clocks."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

SIZE = 48
# Leap 0, version 4, mode 3 (client); everything else zero but our moment, which the server gives back.
FIRST_BYTE = 0 << 6 | 4 << 3 | 3
SERVER_MODE, UNSYNCHRONIZED = 4, 3
SINCE_1900 = 2_208_988_800
ERA = 1 << 32


@dataclass(frozen=True)
class TimeAnswer:
    """Offset is server minus machine; known to within half of the round trip."""

    offset_seconds: float
    round_trip_seconds: float
    stratum: int


def build_question(token: int) -> bytes:
    """The question; token (64 random bits) stands where the client's time would, so that nothing is told of it."""
    return struct.pack("!B39xQ", FIRST_BYTE, token)


def read_answer(data: bytes, token: int, sent_at: float, received_at: float) -> TimeAnswer:
    """What the answer says; sent_at and received_at by the machine's own clock, in seconds since 1970.

    Raises ValueError for what is no answer to this question, a server that refuses, or one that has no time itself.
    """
    if len(data) < SIZE:
        raise ValueError("the answer is too short")
    first, stratum, origin, received, sent = struct.unpack("!BB22xQQQ", data[:SIZE])
    if origin != token or first & 7 != SERVER_MODE:
        raise ValueError("the answer belongs to another question")
    if stratum == 0:
        code = data[12:16].decode("ascii", "replace").rstrip("\0")
        raise ValueError(f"the server refuses to answer ({code if code.isalnum() else 'no reason given'})")
    if first >> 6 == UNSYNCHRONIZED or stratum > 15:
        raise ValueError("the server itself has no time")
    there_in, there_out = _seconds(received, sent_at), _seconds(sent, sent_at)
    offset = ((there_in - sent_at) + (there_out - received_at)) / 2
    trip = max(0.0, (received_at - sent_at) - (there_out - there_in))
    if not math.isfinite(offset):
        raise ValueError("the answer makes no sense")
    return TimeAnswer(offset, trip, stratum)


def _seconds(stamp: int, near: float) -> float:
    """A 64-bit stamp as seconds since 1970, in the era of 136 years that lies nearest to the machine's own clock."""
    seconds = (stamp >> 32) + (stamp & 0xFFFFFFFF) / ERA - SINCE_1900
    return seconds + round((near - seconds) / ERA) * ERA
