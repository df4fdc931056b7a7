"""What all findings, all checks or a path say together, in one sentence each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from caseprobe.checks import worst
from caseprobe.checks.folding import groups, shown_state
from caseprobe.texts import catalogue
from caseprobe.texts.addresses import address_text
from caseprobe.texts.findings import state_name, summary
from caseprobe.texts.template import Value, fill
from caseprobe.v1 import finding_pb2, path_pb2, snapshot_pb2

RAN = (
    finding_pb2.SEVERITY_OK,
    finding_pb2.SEVERITY_INFO,
    finding_pb2.SEVERITY_WARN,
    finding_pb2.SEVERITY_CRITICAL,
)


def verdict_sentence(
    findings: Iterable[finding_pb2.Finding], coverage: Sequence[finding_pb2.Coverage], language: str = "en"
) -> str:
    """The worst severity with its number and its first finding, or in how many of all checks no problem was found.

    What is folded under another finding is one problem with it, as bad as the worst of both.
    """
    judged = [(shown_state(group), group[0]) for group in groups(one for one in findings if one.state in RAN)]
    judged.sort(key=lambda one: -one[0])
    counts = Counter(state_name(state) for state, _ in judged)
    values: dict[str, Value] = {f"{name}_total": count for name, count in counts.items()}
    values["ran_total"], values["all_total"] = sum(one.outcome in RAN for one in coverage), len(coverage)
    if judged:
        values["first"] = summary(judged[0][1], language)
    state = state_name(judged[0][0]) if judged else "ok"
    return fill(catalogue.sentence(f"verdict.{state}", language), values, language)


def overall_state(findings: Iterable[finding_pb2.Finding], coverage: Iterable[finding_pb2.Coverage]) -> str:
    """The worst state in a word: "unknown" where no check ran, because silence is not health."""
    if not any(one.outcome in RAN for one in coverage):
        return "unknown"
    return state_name(worst(findings))


def snapshot_state(snapshot: snapshot_pb2.Snapshot) -> str:
    """The worst state of a judged snapshot in a word."""
    return overall_state(snapshot.findings, snapshot.coverage)


def snapshot_verdict(snapshot: snapshot_pb2.Snapshot, language: str = "en") -> str:
    """The verdict on a judged snapshot: its findings, or the path that it is of, or that nothing was judged."""
    paths = [section.path for section in snapshot.sections if section.WhichOneof("facts") == "path"]
    alone = paths and all(section.WhichOneof("facts") in ("path", None) for section in snapshot.sections)
    if snapshot_state(snapshot) not in (("unknown", "ok") if alone else ("unknown",)):
        return verdict_sentence(snapshot.findings, snapshot.coverage, language)
    if paths:
        return path_verdict(paths[0], language)
    return catalogue.sentence("verdict.nothing", language)


def folded_sentence(total: int, language: str = "en") -> str:
    """How many findings follow from another one."""
    return fill(catalogue.sentence("folded.under", language), {"n": total}, language)


def coverage_sentence(coverage: Sequence[finding_pb2.Coverage], language: str = "en") -> str:
    """How many checks ran and why the others did not, each reason with its number."""
    ran = sum(one.outcome in RAN for one in coverage)
    parts = [_part("ran", language, ran_total=ran, all_total=len(coverage))]
    reasons = Counter(_reason(one) for one in coverage if one.outcome not in RAN)
    parts += [
        _part(name, language, n=count, needs=need(needs, language)) for (name, needs), count in reasons.most_common()
    ]
    return ("；" if language == "zh_Hans" else "; ").join(parts)


def _part(name: str, language: str, **values: Value) -> str:
    return fill(catalogue.sentence(f"coverage.{name}", language), values, language)


def _reason(one: finding_pb2.Coverage) -> tuple[str, str]:
    """The kind of sentence for a check that did not run, and the right that it needs."""
    if one.needs:
        return "needs", one.needs
    if one.message_id in ("switched_off", "no_past", "not_covered"):
        return one.message_id, ""
    if one.outcome == finding_pb2.SEVERITY_NOT_APPLICABLE:
        return "absent", ""
    return ("not_measured" if one.message_id in ("not_measured", "skipped") else "unreadable"), ""


def reason_sentence(one: finding_pb2.Coverage, language: str = "en") -> str:
    """Why a check was not judged, in this language; the machine's own words are in one.reason."""
    if not one.message_id:
        return ""
    known = catalogue.read("sentences")["reason"]
    # A newer agent may have reasons that this version has no words for.
    template = catalogue.sentence(f"reason.{one.message_id if one.message_id in known else 'other'}", language)
    return fill(template, {"needs": need(one.needs, language) or "?"}, language)


def need(right: str, language: str = "en") -> str:
    """A right or tool that is missing, in words where it has some: most are names, such as CAP_SYSLOG."""
    known = catalogue.read("sentences")["need"].get(right.replace(" ", "_"))
    return catalogue.in_language(known, language) if known else right


def path_verdict(path: path_pb2.PathFacts, language: str = "en") -> str:
    """What a path probe found, with target, loss and the hops between which it happens."""
    verdict = path.verdict
    values: dict[str, Value] = {
        "target": path.target,
        "rounds": _rounds_on_route(path),
        "loss_ratio": verdict.loss_ratio,
        "low_ratio": verdict.loss_low_ratio,
        "high_ratio": verdict.loss_high_ratio,
        "first": verdict.segment_first_ttl,
        "last": verdict.segment_last_ttl,
        "more": verdict.more_rounds,
    }
    sentence = fill(catalogue.in_language(_path_sentence(verdict), language), values, language)
    return sentence + _route_changes(path, language)


def path_mtu(path: path_pb2.PathFacts, language: str = "en") -> str:
    """How large a packet the path carries, and where larger ones vanish; empty where it was not asked for."""
    if not path.HasField("mtu"):
        return ""
    mtu = path.mtu
    values: dict[str, Value] = {
        "target": path.target,
        "size": mtu.size_bytes,
        "link": mtu.link_bytes,
        "router": address_text(mtu.told_by) or "?",
        "first": mtu.segment_first_ttl,
        "last": mtu.segment_last_ttl,
    }
    name = mtu.message_id.removeprefix("mtu.")
    if name == "vanishes":
        name = (
            "vanishes" if mtu.segment_first_ttl else "vanishes_near" if mtu.segment_last_ttl else "vanishes_somewhere"
        )
    known = catalogue.read("sentences")["mtu"]
    return fill(catalogue.sentence(f"mtu.{name if name in known else 'not_measured'}", language), values, language)


def path_way_back(path: path_pb2.PathFacts, language: str = "en") -> str:
    """That replies seem to come back another way, and from where on; empty where nothing hints at it."""
    if not path.way_back_hops:
        return ""
    values: dict[str, Value] = {
        "target": path.target,
        "hop": path.way_back_first_ttl,
        "n": abs(path.way_back_hops),
    }
    name = "longer" if path.way_back_hops > 0 else "shorter"
    return fill(catalogue.sentence(f"way_back.{name}", language), values, language)


def path_load(path: path_pb2.PathFacts, language: str = "en") -> str:
    """What load does to the line and which way has a queue; empty where it was not asked for."""
    if not path.HasField("loaded"):
        return ""
    load = path.loaded
    values: dict[str, Value] = {
        "target": path.target,
        "down_seconds": load.verdict.added_down_seconds,
        "up_seconds": load.verdict.added_up_seconds,
        "down_bits_per_second": 8 * load.down.bytes_per_second,
        "up_bits_per_second": 8 * load.up.bytes_per_second,
        "grade": load.verdict.grade,
    }
    name, known = load.verdict.message_id.removeprefix("load."), catalogue.read("sentences")["load"]
    sentence = fill(catalogue.sentence(f"load.{name if name in known else 'not_measured'}", language), values, language)
    return sentence + (catalogue.sentence("load.by_proxy", language) if load.by_proxy else "")


def path_ways(path: path_pb2.PathFacts, language: str = "en") -> str:
    """How many ways the path has at once and where; empty where it was not asked for."""
    if not path.HasField("ways"):
        return ""
    widest = max(path.ways.hops, key=lambda hop: len(hop.routers), default=path_pb2.PathWaysHop())
    values: dict[str, Value] = {
        "target": path.target,
        "n": len(widest.routers),
        "hop": widest.ttl,
        "confidence_ratio": path.ways.confidence,
    }
    name = ("packet" if widest.balancing == "packet" else "flow") if len(widest.routers) > 1 else "one"
    open_hops = [hop.ttl for hop in path.ways.hops if hop.routers and not hop.complete]
    name = name if widest.routers else "none"
    sentence = fill(catalogue.sentence(f"ways.{name}", language), values, language)
    if not open_hops:
        return sentence
    return sentence + fill(catalogue.sentence("ways.open", language), {"hop": open_hops[0]}, language)


def _rounds_on_route(path: path_pb2.PathFacts) -> int:
    """For how many rounds the route stood that the verdict is on."""
    earlier = path.earlier_routes[-1:]
    return path.rounds - sum(one.first_round + one.rounds - 1 for one in earlier)


def _route_changes(path: path_pb2.PathFacts, language: str) -> str:
    """That the path took other ways before, and what it lost there; nothing where it did not."""
    if not path.earlier_routes:
        return ""
    last = path.earlier_routes[-1]
    lossy = [one.verdict for one in path.earlier_routes if one.verdict.message_id == "path.loss_from"]
    values: dict[str, Value] = {
        "n": path.route_changes,
        "hop": last.changed_ttl,
        "round": last.first_round + last.rounds,
        "loss_ratio": max((verdict.loss_ratio for verdict in lossy), default=0.0),
    }
    name = "path.rerouted_lossy" if lossy else "path.rerouted"
    return fill(catalogue.sentence(name, language), values, language)


def _path_sentence(verdict: path_pb2.PathVerdict) -> dict[str, str]:
    """The sentence for a verdict; where its segment begins at this machine, the one that says so."""
    known = catalogue.read("sentences")["path"]
    name = verdict.message_id.removeprefix("path.")
    if not verdict.segment_first_ttl:
        name = {"loss_from": "loss_near", "target_silent": "nothing_answers"}.get(name, name)
    sentence: dict[str, str] = known[name if name in known else "unknown"]
    return sentence
