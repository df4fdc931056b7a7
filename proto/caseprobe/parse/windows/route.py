"""tracert and pathping: hops of a path, in any language of Windows, as the rounds that a path probe makes."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from caseprobe.v1 import path_pb2

# Tracing route to example.com [93.184.216.34]
#   1    <1 ms    <1 ms     1 ms  192.0.2.1
#   2     *        *        *     Request timed out.
#   3    12 ms    11 ms    12 ms  core.example.net [198.51.100.9]
TRACERT = re.compile(r"^\s{0,2}(?P<ttl>\d{1,3})\s+(?P<times>(?:(?:<?\d{1,5}\s?\w{1,3}\.?|\*)\s+){3})(?P<rest>.*)$")
TIME = re.compile(r"<?(\d{1,5})\s?\w{1,3}\.?|\*")
# Hop  RTT    Lost/Sent = Pct  Lost/Sent = Pct  Address
#   0                                           172.16.87.35
#                                 0/ 100 =  0%   |
#   1   41ms     0/ 100 =  0%     0/ 100 =  0%  172.16.87.218
#   2  ---     100/ 100 =100%   100/ 100 =100%  198.51.100.7
PATHPING = re.compile(
    r"^\s{0,2}(?P<ttl>\d{1,3})\s+(?:(?P<rtt>\d{1,5})\s?\S{1,3}|---)\s+(?P<lost>\d{1,5})/\s*(?P<sent>\d{1,5})\s*="
    r"\s*\d{1,3}%\s+\d{1,5}/\s*\d{1,5}\s*=\s*\d{1,3}%\s+(?P<rest>.*)$"
)
TARGET = re.compile(r"\[(?P<bracketed>[0-9a-fA-F.:]{3,45})\]|\b(?P<plain>\d{1,3}(?:\.\d{1,3}){3})\b")
TTLS, ROUNDS = 64, 1000
LESS_THAN_ONE = 0.0005


@dataclass(frozen=True)
class Hop:
    """What one line tells: replies in seconds, None for an echo without one."""

    ttl: int
    address: bytes
    replies: Sequence[float | None]


@dataclass(frozen=True)
class Route:
    """A path as printed; averaged: times are the mean of a hop, not of each echo."""

    target: str
    address: bytes
    hops: Sequence[Hop]
    averaged: bool = False
    rounds: list[path_pb2.PathRound] = field(default_factory=list)


def parse_route(text: str) -> Route:
    """The path; ValueError for other text, or where no hop was printed."""
    lines = text.splitlines()[:2000]
    pings = [hop for line in lines if (match := PATHPING.match(line)) and (hop := _ping(match)) is not None]
    hops = pings or [hop for line in lines if (match := TRACERT.match(line)) and (hop := _trace(match)) is not None]
    if not hops:
        raise ValueError("no line of a hop in it, as tracert and pathping print them")
    told = _target(lines)
    address = _address(told) or hops[-1].address
    return Route(told, address, hops, bool(pings), list(_rounds(hops, address)))


def _ping(match: re.Match[str]) -> Hop | None:
    ttl, lost, sent = int(match["ttl"]), int(match["lost"]), min(int(match["sent"]), ROUNDS)
    if not 1 <= ttl <= TTLS or lost > sent:
        return None
    seconds = int(match["rtt"] or 0) / 1000 or LESS_THAN_ONE
    # Which of the echoes were lost is not printed; how many is.
    replies = [None] * lost + [seconds] * (sent - lost)
    return Hop(ttl, _address(match["rest"]), replies)


def _trace(match: re.Match[str]) -> Hop | None:
    ttl = int(match["ttl"])
    replies = [_seconds(one) for one in TIME.finditer(match["times"])]
    return Hop(ttl, _address(match["rest"]), replies) if 1 <= ttl <= TTLS else None


def _seconds(match: re.Match[str]) -> float | None:
    if match[1] is None:
        return None
    return LESS_THAN_ONE if match[0].startswith("<") else int(match[1]) / 1000 or LESS_THAN_ONE


def _address(text: str) -> bytes:
    found = TARGET.search(text)
    for one in (*((found["bracketed"], found["plain"]) if found else ()), text.strip()):
        try:
            return ipaddress.ip_address(one or "").packed
        except ValueError:
            continue
    return b""


def _target(lines: Sequence[str]) -> str:
    """The first address that is printed before the hops: both programs name where they go."""
    match = next((match for line in lines if (match := TARGET.search(line)) is not None), None)
    return (match["bracketed"] or match["plain"]) if match else ""


def _rounds(hops: Sequence[Hop], target: bytes) -> Iterator[path_pb2.PathRound]:
    for number in range(max(len(hop.replies) for hop in hops)):
        asked = [hop for hop in hops if number < len(hop.replies)]
        round_ = path_pb2.PathRound(number=number + 1, sent=[hop.ttl for hop in asked])
        for hop in asked:
            seconds = hop.replies[number]
            if seconds is not None:
                ended = bool(target) and hop.address == target
                round_.replies.add(ttl=hop.ttl, address=hop.address, rtt_seconds=seconds, from_target=ended)
        yield round_
