"""What was not judged and why, and what was judged and is well."""

from __future__ import annotations

from caseprobe import texts
from caseprobe.report.facts.group import dotted
from caseprobe.report.markup import NOTHING, Markup, element, table, unfold
from caseprobe.report.words import Words
from caseprobe.v1 import finding_pb2, snapshot_pb2

UNKNOWN = (finding_pb2.SEVERITY_UNKNOWN, finding_pb2.SEVERITY_UNSPECIFIED)


def render_coverage(snapshot: snapshot_pb2.Snapshot, words: Words) -> Markup:
    """First what could not be judged, then what does not exist here, then what is well."""
    if not snapshot.coverage:
        return NOTHING
    unknown = [one for one in snapshot.coverage if one.outcome in UNKNOWN]
    absent = [one for one in snapshot.coverage if one.outcome == finding_pb2.SEVERITY_NOT_APPLICABLE]
    well = [one for one in snapshot.coverage if one.outcome == finding_pb2.SEVERITY_OK]
    return element(
        "section",
        element("h2", words("coverage")),
        _reasons("checks_unknown", unknown, words, open_=True),
        _reasons("checks_absent", absent, words),
        _well(well, words),
        id="coverage",
    )


def _reasons(title: str, found: list[finding_pb2.Coverage], words: Words, open_: bool = False) -> Markup:
    if not found:
        return NOTHING
    by_reason: dict[str, list[str]] = {}
    for one in found:
        by_reason.setdefault(_why(one, words), []).append(texts.title(one.check_id, words.language))
    rows = [(", ".join(titles), why) for why, titles in by_reason.items()]
    body = table((words("check"), words("why")), rows)
    return unfold(words.filled(title, n=len(found)), body, class_="row", open_=open_)


def _why(one: finding_pb2.Coverage, words: Words) -> str:
    """In the reader's language; the machine's own words, which are English, beside it where they say more."""
    told = texts.reason_sentence(one, words.language)
    if one.message_id == "not_measured" or not one.reason:
        return told
    if words.language != "en":
        return f"{told} · {texts.printable(one.reason)}"
    return dotted(texts.printable(one.reason), words.filled("needs", needs=one.needs) if one.needs else "")


def _well(found: list[finding_pb2.Coverage], words: Words) -> Markup:
    if not found:
        return NOTHING
    items = (element("li", texts.title(one.check_id, words.language)) for one in found)
    return unfold(words.filled("checks_ok", n=len(found)), element("ul", *items, class_="columns"), class_="row")
