"""A path as a table of plain text, for pipes and files."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from caseprobe import texts
from caseprobe.v1 import path_load_pb2, path_pb2
from caseprobe_agent.cli.path.rows import aligned_rows, milliseconds
from caseprobe_agent.cli.path.service import service_lines

LOAD = {"idle": "idle", "down": "download", "up": "upload"}
HEADINGS = ("hop", "address", "loss", "sent", "best", "avg", "p95", "worst", "jitter", "what it means")
MEANINGS = {
    "ok": "",
    "loss": "loss on the way here",
    "rate_limited": "limits its own answers, no loss",
    "slow_control_plane": "busy itself, delays and loses nothing",
    "silent": "never answers",
    "filtered": "refuses to go on",
    "unknown": "not asked",
}


def render_table(facts: path_pb2.PathFacts, language: str) -> str:
    """The service where one was asked for; title, one line a hop with times in milliseconds; the sentences."""
    parts = [service_lines(facts.service, language)] if facts.HasField("service") else []
    if facts.hops:
        columns = (*HEADINGS, *(name for name, cell in PLACES.items() if any(map(cell, facts.hops))))
        rows = [
            columns,
            *((*row(hop), *(PLACES[name](hop) for name in columns[len(HEADINGS) :])) for hop in facts.hops),
        ]
        parts.append([title(facts), *aligned_rows(rows, ("address", "what it means", *PLACES))])
    return "\n\n".join("\n".join(part) for part in (*parts, closing(facts, language)))


def title(facts: path_pb2.PathFacts) -> str:
    """Where to, how, and how often; times in the table are milliseconds."""
    address = texts.address_text(facts.address) or "?"
    name = texts.printable(facts.target)
    place = name if name == address else f"{name} ({address})"
    protocol = path_pb2.PathProtocol.Name(facts.protocol).removeprefix("PATH_PROTOCOL_")
    port = f" port {facts.port}" if facts.port else ""
    rounds = "1 round" if facts.rounds == 1 else f"{facts.rounds} rounds"
    return f"path to {place} over {protocol}{port}, {rounds}, times in ms"


def row(hop: path_pb2.PathHop) -> tuple[str, ...]:
    """The cells of one hop."""
    times = ("best_seconds", "avg_seconds", "p95_seconds", "worst_seconds", "jitter_seconds")
    return (
        str(hop.ttl),
        addresses(hop),
        f"{hop.loss_ratio:.1%}" if hop.sent else "-",
        str(hop.sent),
        *(milliseconds(getattr(hop, name)) if hop.received else "-" for name in times),
        meaning(hop),
    )


def place(hop: path_pb2.PathHop) -> str:
    """Whose network a hop is in; empty where that is not known."""
    return texts.printable(texts.hop_network(hop))


def _name(hop: path_pb2.PathHop) -> str:
    return texts.printable(texts.hop_name(hop))


def addresses(hop: path_pb2.PathHop) -> str:
    """The hop's address, with the number of further ones; * where nothing answered."""
    known = [text for text in map(texts.address_text, hop.addresses) if text]
    further = f" +{len(known) - 1}" if len(known) > 1 else ""
    return f"{known[0]}{further}" if known else "*"


def meaning(hop: path_pb2.PathHop) -> str:
    """What the hop's numbers mean, its labels, and replies out of the ordinary."""
    counts = (("late", hop.late), ("duplicate", hop.duplicates), ("reordered", hop.reordered))
    notes = [MEANINGS.get(hop.classification, hop.classification)]
    if hop.limit_per_second:
        notes.append(f"{hop.limit_per_second:.2g}/s after {hop.limit_burst} at once")
    notes += [f"MPLS {'/'.join(str(label) for label in hop.mpls_labels)}"] if hop.mpls_labels else []
    notes += [f"{count} {name}" for name, count in counts if count]
    return ", ".join(note for note in notes if note)


# Columns that are there where something is known for them.
PLACES: Mapping[str, Callable[[path_pb2.PathHop], str]] = {"name": _name, "network": place}


def closing(facts: path_pb2.PathFacts, language: str) -> list[str]:
    """The verdict's sentence, and what ended the trace early."""
    lines = texts.path_sentences(facts, language)
    lines += [_ways(hop) for hop in facts.ways.hops if len(hop.routers) > 1]
    lines += [_load(name, getattr(facts.loaded, name)) for name in LOAD if facts.HasField("loaded")]
    if facts.shortfall:
        lines.append(f"ended early: the {facts.shortfall.replace('_', ' ')} is used up")
    return lines


def _load(name: str, phase: path_load_pb2.LoadPhase) -> str:
    """One stretch of the test under load."""
    times = (phase.median_seconds, phase.p95_seconds)
    median, p95 = (milliseconds(one) if phase.HasField("median_seconds") else "-" for one in times)
    rate = f", {phase.bytes_per_second * 8e-6:.1f} Mbit/s" if phase.bytes_total else ""
    return f"  {LOAD[name]}: round trip {median} ms, p95 {p95} ms{rate}"


def _ways(hop: path_pb2.PathWaysHop) -> str:
    """The routers side by side at one hop, each with its flows and mean time."""
    parts = [
        f"{texts.address_text(way.address)} ({way.flows} flows, {milliseconds(way.avg_seconds)} ms)"
        for way in hop.routers
    ]
    return f"  hop {hop.ttl}, by {hop.balancing}: {', '.join(parts)}"
