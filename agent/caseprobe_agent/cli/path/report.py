"""A path as plain text for a mail: the sentence first, then the proof, then what could not be seen: pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from caseprobe import texts
from caseprobe.v1 import path_pb2
from caseprobe_agent.cli.path.plain import PLACES, addresses, closing, title
from caseprobe_agent.cli.path.rows import aligned_rows, milliseconds
from caseprobe_agent.cli.path.service import service_lines

WIDTH = 78  # what mail programs leave as it is
HEADINGS = ("hop", "address", "lost", "sent", "avg", "p95", "worst", "note")
NOTES = {
    "loss": "loss",
    "rate_limited": "own limit",
    "slow_control_plane": "busy itself",
    "silent": "silent",
    "filtered": "refuses",
    "unknown": "not asked",
}
LEGEND = {
    "rate_limited": "own limit: the router limits its own answers; hops behind it answer more often, so what reached"
    " them passed it, and nothing is lost here.",
    "slow_control_plane": "busy itself: the router answers late, or leaves out answers at random, while hops behind it"
    " do not; what it forwards is neither delayed nor lost.",
    "silent": "silent: the router answers nothing and forwards what it gets; that is no fault.",
    "filtered": "refuses: the router says that it will not forward such packets.",
    "loss": "loss: packets to the target are lost before this hop or on the way back from it.",
}
UNSEEN = {
    "quoted_ip_header": "whether a router on the way rewrote addresses or the class of service (needs a raw socket)",
    "late_replies": "answers that came after a second: the kernel repeats a connection attempt then",
    "one_flow_over_hops": "hops of one and the same flow: each is asked over its own",
    "target_reply_ttl": "the length of the way back from the target",
}


def render_report(facts: path_pb2.PathFacts, measured_at: str, language: str) -> str:
    """The whole report; measured_at is when the measurement ended, with its time zone."""
    parts = [
        [*_wrapped(title(facts)), f"measured until {measured_at}, for {facts.duration_seconds:.0f} s"],
        [line for sentence in closing(facts, language) for line in _wrapped(sentence)],
        _service(facts, language),
        _table(facts.hops) if facts.hops else [],
        _places(facts.hops),
        *(_route(route) for route in facts.earlier_routes),
        _legend(facts),
        _unseen(facts),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False)


def _table(hops: Iterable[path_pb2.PathHop]) -> list[str]:
    return aligned_rows([HEADINGS, *(_row(hop) for hop in hops)], ("address", "note"))


def _service(facts: path_pb2.PathFacts, language: str) -> list[str]:
    """What reaching the service takes, where one was asked for; a row that is too long goes on below."""
    lines = service_lines(facts.service, language) if facts.HasField("service") else []
    return [part for line in lines for part in (_wrapped(line, "    ") if len(line) > WIDTH else [line])]


def _row(hop: path_pb2.PathHop) -> tuple[str, ...]:
    times = (hop.avg_seconds, hop.p95_seconds, hop.worst_seconds)
    note = NOTES.get(hop.classification, "")
    if hop.limit_per_second:
        note += f" {hop.limit_per_second:.2g}/s"
    lost = f"{hop.loss_ratio:.1%}" if hop.sent else "-"
    shown = (milliseconds(one) if hop.received else "-" for one in times)
    return (str(hop.ttl), addresses(hop), lost, str(hop.sent), *shown, note)


def _places(hops: Iterable[path_pb2.PathHop]) -> list[str]:
    """A line for each hop of which a name or a network is known: the table has no room for them."""
    told = ((hop, "  ".join(filter(None, (cell(hop) for cell in PLACES.values())))) for hop in hops)
    return [line for hop, text in told if text for line in _wrapped(f"{hop.ttl:>3}  {text}", "     ")]


def _route(route: path_pb2.PathRoute) -> list[str]:
    """An earlier route with its own figures."""
    last = route.first_round + route.rounds - 1
    head = f"before, in rounds {route.first_round} to {last}; it differs from hop {route.changed_ttl} on:"
    return [head, *_table(route.hops)]


def _legend(facts: path_pb2.PathFacts) -> list[str]:
    """What the notes mean that occur."""
    met = {hop.classification for hop in facts.hops}
    met.update(hop.classification for route in facts.earlier_routes for hop in route.hops)
    return [line for name, words in LEGEND.items() if name in met for line in _wrapped(words, "  ")]


def _unseen(facts: path_pb2.PathFacts) -> list[str]:
    tier = path_pb2.PathTier.Name(facts.tier).removeprefix("PATH_TIER_").replace("_", " ").lower()
    words = [f"- {UNSEEN.get(one, texts.printable(one))}" for one in facts.unseen]
    return [f"Not seen by {tier} echoes:", *(line for one in words for line in _wrapped(one, "  "))] if words else []
