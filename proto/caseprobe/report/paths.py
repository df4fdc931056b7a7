"""Measured paths: what each one found, and its hops with bars for loss and times."""

from __future__ import annotations

from collections.abc import Sequence

from caseprobe import texts
from caseprobe.report.charts import share_bar, span_bar
from caseprobe.report.markup import NOTHING, Markup, element, facts_list, joined, machine_words, table, unfold
from caseprobe.report.words import NONE, Words, left_out
from caseprobe.v1 import path_pb2, section_items_pb2, snapshot_pb2

# What a verdict means for the colour of its card; any other needs a look.
TONES = {"path.ok": "ok", "path.loss_from": "warn", "path.needs_more": "info"}
MOST_PATHS, MOST_HOPS = 20, 64
COLUMNS = ("hop", "addresses", "loss", "times", "best", "mean", "p95", "jitter", "verdict")
NUMBERS = (0, 2, 4, 5, 6, 7)


def render_paths(snapshot: snapshot_pb2.Snapshot, words: Words) -> Markup:
    """A card for each path that was measured, then the short ones to what the machine depends on first."""
    paths = [section.path for section in snapshot.sections if section.WhichOneof("facts") == "path"]
    near = [
        one
        for section in snapshot.sections
        if section.WhichOneof("facts") == "near_paths"
        for one in section.near_paths.paths
    ]
    probed = [_path(one.path, words, _role(one, words)) for one in near if one.HasField("path")]
    others = facts_list((_role(one, words), machine_words(one.reason)) for one in near if not one.HasField("path"))
    unprobed = element("div", others, class_="panel") if others else NOTHING
    shown = [_path(one, words) for one in paths[:MOST_PATHS]]
    return joined(*shown, left_out(len(paths) - MOST_PATHS, words), *probed, unprobed)


def _role(near: section_items_pb2.NearPath, words: Words) -> Markup:
    """What stands at the end of a short path."""
    return joined(element("b", words(f"role_{near.role}")), " ", near.address)


def _path(path: path_pb2.PathFacts, words: Words, role: Markup = NOTHING) -> Markup:
    said = [sentence(path, words.language) for sentence in (texts.path_mtu, texts.path_ways, texts.path_load)]
    earlier = path.earlier_routes
    title = words.filled("earlier_routes", n=len(earlier))
    return element(
        "article",
        element("p", role) if role else NOTHING,
        element("h3", texts.path_verdict(path, words.language)),
        *(element("p", sentence) for sentence in said if sentence),
        _hops(path.hops, words),
        unfold(title, *(_route(one, words) for one in earlier)) if earlier else NOTHING,
        class_=f"card {TONES.get(path.verdict.message_id, 'unknown')}",
    )


def _route(route: path_pb2.PathRoute, words: Words) -> Markup:
    stood = words.filled("route_stood", first=route.first_round, n=route.rounds)
    return joined(element("h4", stood), _hops(route.hops, words))


def _hops(hops: Sequence[path_pb2.PathHop], words: Words) -> Markup:
    """All bars of times on one scale: the slowest hop's."""
    shown = hops[:MOST_HOPS]
    most = max((hop.p95_seconds for hop in shown if hop.p95_seconds == hop.p95_seconds), default=0.0)
    rows = table([words(name) for name in COLUMNS], [_hop(hop, most, words) for hop in shown], NUMBERS)
    scale = words.filled("times_scale", most_seconds=most)
    return joined(rows, element("p", scale, class_="lack") if most else NOTHING)


def _hop(hop: path_pb2.PathHop, most: float, words: Words) -> tuple[str, ...]:
    addresses = ", ".join(texts.address_text(one) or NONE for one in hop.addresses) or NONE
    times = (hop.best_seconds, hop.avg_seconds, hop.p95_seconds)
    return (
        words.count(hop.ttl),
        addresses,
        joined(share_bar(hop.loss_ratio), " ", words.value("_ratio", hop.loss_ratio)),
        span_bar(*times, most) if hop.HasField("avg_seconds") else NONE,
        *(_time(hop, name, words) for name in ("best_seconds", "avg_seconds", "p95_seconds", "jitter_seconds")),
        words(f"hop_{hop.classification}"),
    )


def _time(hop: path_pb2.PathHop, name: str, words: Words) -> str:
    return words.value(name, getattr(hop, name)) if hop.HasField(name) else NONE  # type: ignore[arg-type]
