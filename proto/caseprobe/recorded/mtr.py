"""`mtr --json` as the facts of a path probe: what it counted, and its own times."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from caseprobe.path_stats.summary import summarize
from caseprobe.v1 import path_pb2

# {"report": {"mtr": {"src": "a", "dst": "198.51.100.9", "tests": 10, …},
#             "hubs": [{"count": 1, "host": "192.0.2.1", "Loss%": 0.0, "Snt": 10, "Last": 1.2, "Avg": 1.1, "Best": 1.0,
#                       "Wrst": 1.4, "StDev": 0.1}, …]}}; a silent hop is "???", count is a text before mtr 0.93
TTLS, ECHOES = 64, 1000
SILENT = "???"
LEAST_SECONDS = 1e-6


def is_mtr(text: str) -> bool:
    """Whether this is a report of mtr."""
    return '"mtr"' in text[:2000] and '"hubs"' in text


def mtr_facts(text: str) -> path_pb2.PathFacts:
    """The path; ValueError where it is no report, or tells no hop. Which of its echoes were lost mtr does not tell."""
    try:
        report = json.loads(text)["report"]
        target = str(report["mtr"]["dst"])
        hubs = list(_hubs(report["hubs"]))
    except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError(f"it is no report of mtr --json ({type(error).__name__})") from None
    if not hubs:
        raise ValueError("mtr reports no hop")
    address = _address(target) or hubs[-1].address
    # A target is shown as it was typed, and nobody typed this one here: the address tells it, behind a stand-in.
    header = path_pb2.PathFacts(target="mtr", address=address, protocol=path_pb2.PATH_PROTOCOL_ICMP)
    facts = summarize(_rounds(hubs, address), header)
    told = {hub.ttl: hub for hub in hubs}
    for hop in facts.hops:
        _tell_times(hop, told.get(hop.ttl))
    facts.ClearField("duration_seconds")
    return facts


class _Hub:
    """One hop as mtr counted it; raises as its parts are not of their form."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.ttl = int(told["count"])
        self.sent = min(int(told["Snt"]), ECHOES)
        self.lost = min(self.sent, round(float(told["Loss%"]) / 100 * self.sent))
        self.address = _address(str(told["host"]))
        self.avg, self.best, self.worst = (max(float(told[n]) / 1000, LEAST_SECONDS) for n in ("Avg", "Best", "Wrst"))


def _hubs(told: Sequence[Mapping[str, Any]]) -> Iterator[_Hub]:
    for one in told[:TTLS]:
        hub = _Hub(one)
        if 1 <= hub.ttl <= TTLS and hub.sent > 0 and hub.lost >= 0:
            yield hub


def _rounds(hubs: Sequence[_Hub], target: bytes) -> Iterator[path_pb2.PathRound]:
    for number in range(max(hub.sent for hub in hubs)):
        asked = [hub for hub in hubs if number < hub.sent]
        round_ = path_pb2.PathRound(number=number + 1, sent=[hub.ttl for hub in asked])
        for hub in asked:
            if number >= hub.lost:
                ended = bool(target) and hub.address == target
                round_.replies.add(ttl=hub.ttl, address=hub.address, rtt_seconds=hub.avg, from_target=ended)
        yield round_


def _tell_times(hop: path_pb2.PathHop, hub: _Hub | None) -> None:
    """mtr's own best and worst; what lies between them it does not tell."""
    for name in ("p95_seconds", "jitter_seconds"):
        hop.ClearField(name)
    if hub is not None and hop.HasField("best_seconds"):
        hop.best_seconds, hop.worst_seconds = hub.best, hub.worst


def _address(host: str) -> bytes:
    """Of "192.0.2.1" and of "name (192.0.2.1)"; empty where only a name is told."""
    for text in (host, host.rpartition("(")[2].rstrip(") ")):
        try:
            return ipaddress.ip_address(text.strip()).packed
        except ValueError:
            continue
    return b""
