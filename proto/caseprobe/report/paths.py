"""Measured paths: what each one found, its hops with their ways, loss and times, and the routes that stood before."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from caseprobe import texts
from caseprobe.report.charts import rail, share_bar, span_bar
from caseprobe.report.markup import NOTHING, Markup, dotted, element, facts_list, joined, machine_words, unfold
from caseprobe.report.ways import Change, changes, links, routers
from caseprobe.report.words import NONE, Words, left_out
from caseprobe.v1 import path_pb2, section_items_pb2, snapshot_pb2

# What a verdict means for the colour of its card; any other needs a look.
TONES = {"path.ok": "ok", "path.loss_from": "warn", "path.needs_more": "info"}
MOST_PATHS, MOST_HOPS = 20, 64
TIMES = ("best_seconds", "avg_seconds", "p95_seconds", "worst_seconds", "jitter_seconds")
# What needs no word of its own beside a hop.
UNREMARKABLE = ("", "ok")
# Name of the heading and class of each column; a narrow screen leaves out what is marked opt.
COLUMNS = (
    ("hop", "n"),
    ("addresses", ""),
    ("loss", "n"),
    ("sent", "n opt"),
    ("best", "n opt"),
    ("mean", "n"),
    ("p95", "n opt"),
    ("worst", "n opt"),
    ("jitter", "n opt"),
    ("times", ""),
)
NO_WAYS = path_pb2.PathWays()
# The routers of each hop of which single flows were told apart; an address with what is said of it.
Known = Mapping[int, Sequence[path_pb2.PathWay]]
Share = tuple[bytes, str]


def render_paths(snapshot: snapshot_pb2.Snapshot, words: Words) -> Markup:
    """A card for each path that was measured, then the short ones to what the machine depends on first."""
    paths = [section.path for section in snapshot.sections if section.WhichOneof("facts") == "path"]
    near = [
        one
        for section in snapshot.sections
        if section.WhichOneof("facts") == "near_paths"
        for one in section.near_paths.paths
    ]
    began = snapshot.started_at.seconds
    probed = [_card(one.path, began, words, _role(one, words)) for one in near if one.HasField("path")]
    others = facts_list((_role(one, words), machine_words(one.reason)) for one in near if not one.HasField("path"))
    unprobed = element("div", others, class_="panel") if others else NOTHING
    shown = [_card(one, began, words) for one in paths[:MOST_PATHS]]
    return joined(*shown, left_out(len(paths) - MOST_PATHS, words), *probed, unprobed)


def _role(near: section_items_pb2.NearPath, words: Words) -> Markup:
    """What stands at the end of a short path."""
    return joined(element("b", words(f"role_{near.role}")), " ", near.address)


def _card(path: path_pb2.PathFacts, began: float, words: Words, role: Markup = NOTHING) -> Markup:
    return element(
        "article",
        element("p", role) if role else NOTHING,
        element("h3", texts.path_verdict(path, words.language)),
        render_path(path, began, words),
        class_=f"card {TONES.get(path.verdict.message_id, 'unknown')}",
    )


def render_path(path: path_pb2.PathFacts, began: float, words: Words) -> Markup:
    """What a path says beyond its verdict: what was asked for beside it, every hop, the routes that stood before.

    began: when its first echo was sent, in seconds since 1970; 0 where that is not known.
    """
    said = (texts.path_service, texts.path_mtu, texts.path_ways, texts.path_way_back, texts.path_load)
    sentences = [sentence for say in said if (sentence := say(path, words.language))]
    return element(
        "div",
        *(element("p", sentence) for sentence in sentences),
        _hops(path.hops, path.ways, path.verdict, words),
        _routes(path, began, words),
        class_="hops",
    )


def _routes(path: path_pb2.PathFacts, began: float, words: Words) -> Markup:
    """When the route changed and where, and behind a line what each earlier one did."""
    earlier = path.earlier_routes
    if not earlier:
        return NOTHING
    rows = [element("li", _change(change, began, words)) for change in changes(path)]
    tables = (
        joined(
            element("h4", words.filled("route_stood", first=one.first_round, n=one.rounds)),
            _hops(one.hops, NO_WAYS, one.verdict, words),
        )
        for one in earlier
    )
    return joined(
        element("h4", words("route_changes")),
        element("ol", *rows),
        unfold(words.filled("earlier_routes", n=len(earlier)), *tables),
    )


def _change(change: Change, began: float, words: Words) -> Markup:
    at = words.instant(began + change.after_seconds) if began else ""
    where = words.filled("route_from", round=change.round, hop=change.ttl)
    before, after = (joined(*map(_code, answered)) or words("hop_silent") for answered in (change.before, change.after))
    return dotted(at, joined(where, ": ", before, " → ", after))


def _hops(
    hops: Sequence[path_pb2.PathHop], ways: path_pb2.PathWays, verdict: path_pb2.PathVerdict, words: Words
) -> Markup:
    """A row a hop, all bars of times on one scale: the slowest hop's. The stretch that the verdict names stands out."""
    if not hops:
        return NOTHING
    shown = hops[:MOST_HOPS]
    most = max((hop.p95_seconds for hop in shown if math.isfinite(hop.p95_seconds)), default=0.0)
    known = {hop.ttl: hop.routers for hop in ways.hops}
    rows = [
        _row(
            hop, rail(*around, not hop.received), _who(hop, known, verdict, words), most, words, _suspect(hop, verdict)
        )
        for hop, around in zip(shown, pairwise(links(shown, ways, verdict)), strict=True)
    ]
    head = [element("th", scope="col", class_="ways", aria_label=words("ways"))]
    head += [element("th", words(name), scope="col", class_=kind) for name, kind in COLUMNS]
    made = element("table", element("thead", element("tr", *head)), element("tbody", *rows))
    frame = element("div", made, class_="scroll", tabindex="0", role="region", aria_label=words("paths"))
    scale = element("p", words.filled("times_scale", most_seconds=most), class_="lack") if most else NOTHING
    return joined(frame, left_out(len(hops) - MOST_HOPS, words), scale)


def _suspect(hop: path_pb2.PathHop, verdict: path_pb2.PathVerdict) -> bool:
    """Whether packets are lost on the way to this hop from the one before, as far as that can be told."""
    return verdict.segment_first_ttl < hop.ttl <= verdict.segment_last_ttl


def _row(hop: path_pb2.PathHop, picture: Markup, who: Markup, most: float, words: Words, suspect: bool) -> Markup:
    cells = (
        words.count(hop.ttl),
        who,
        joined(share_bar(hop.loss_ratio), " ", words.value("_ratio", hop.loss_ratio)),
        words.count(hop.sent),
        *(_time(hop, name, words) for name in TIMES),
        span_bar(hop.best_seconds, hop.avg_seconds, hop.p95_seconds, most) if hop.HasField("avg_seconds") else NONE,
    )
    made = [element("td", cell, class_=kind) for (_, kind), cell in zip(COLUMNS, cells, strict=True)]
    return element("tr", element("td", picture, class_="ways"), *made, class_="suspect" if suspect else "hop")


def _time(hop: path_pb2.PathHop, name: str, words: Words) -> str:
    return words.value(name, getattr(hop, name)) if hop.HasField(name) else NONE  # type: ignore[arg-type]


def _who(hop: path_pb2.PathHop, known: Known, verdict: path_pb2.PathVerdict, words: Words) -> Markup:
    """Who answers at a hop, a line each, whose it is, and what is wrong with it."""
    told, behind = known.get(hop.ttl, ()), known.get(hop.ttl + 1, ())
    shares = dict(_shares(told, behind, words)) if len(told) > 1 else {}
    lines = [joined(_code(address), " ", element("small", shares.get(address, ""))) for address in routers(hop, told)]
    faulty = hop.classification not in UNREMARKABLE
    begins = verdict.message_id == "path.loss_from" and hop.ttl == verdict.segment_first_ttl + 1
    notes = dotted(
        _owner(hop), words(f"hop_{hop.classification}") if faulty else "", words("loss_begins") if begins else ""
    )
    lines += [element("small", notes)] if notes else []
    return joined(*(element("div", line) for line in lines)) or Markup(NONE)


def _shares(told: Sequence[path_pb2.PathWay], behind: Sequence[path_pb2.PathWay], words: Words) -> Iterator[Share]:
    """How many of the flows each router has, and where these go on to, if not to all that follow."""
    total = sum(way.flows for way in told)
    for way in told:
        onward = [_address(behind[place].address) for place in way.next if place < len(behind)]
        further = f" → {', '.join(onward)}" if 0 < len(onward) < len(behind) else ""
        yield way.address, words.filled("way_flows", share=words.share(way.flows, total)) + further


def _owner(hop: path_pb2.PathHop) -> str:
    """The name of the hop's first address and whose network it is in, where they were asked for."""
    return ", ".join(part for part in (texts.hop_name(hop), texts.hop_network(hop)) if part)


def _address(address: bytes) -> str:
    return texts.address_text(address) or NONE


def _code(address: bytes) -> Markup:
    """An address that breaks between its parts where there is no room for it in one line."""
    first, *others = _address(address).split(":")
    return element("code", first, *(joined(":", element("wbr"), part) for part in others), " ")
