"""What was not measured and why: what a right or a tool would give, what this machine does not have."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe import texts
from caseprobe.report.markup import NOTHING, Markup, dotted, element, joined, machine_words, table, unfold
from caseprobe.report.words import NONE, Words, left_out
from caseprobe.v1 import finding_pb2, origin_pb2, section_pb2, snapshot_pb2

ABSENT = section_pb2.PROBE_OUTCOME_ABSENT
OUTCOMES = {
    ABSENT: "absent",
    section_pb2.PROBE_OUTCOME_DENIED: "denied",
    section_pb2.PROBE_OUTCOME_TIMEOUT: "timeout",
    section_pb2.PROBE_OUTCOME_FAILED: "failed",
    section_pb2.PROBE_OUTCOME_SKIPPED: "skipped",
}
UNKNOWN = (finding_pb2.SEVERITY_UNKNOWN, finding_pb2.SEVERITY_UNSPECIFIED)
MOST_ROWS = 200
Lack = tuple[section_pb2.ProbeOutcome.ValueType, tuple[str, ...]]


def render_unmeasured(snapshot: snapshot_pb2.Snapshot, words: Words) -> Markup:
    """First what could be had, then what is not there, then the checks that could not be judged for it."""
    lacks = [lack for section in snapshot.sections for lack in _lacks(section, words)]
    missed = [*_not_taken(snapshot.origin, words), *(row for outcome, row in lacks if outcome != ABSENT)]
    absent = [row for outcome, row in lacks if outcome == ABSENT]
    unknown = [one for one in snapshot.coverage if one.outcome in UNKNOWN]
    beside = [one for one in snapshot.coverage if one.outcome == finding_pb2.SEVERITY_NOT_APPLICABLE]
    return joined(
        _table("parts_missed", missed, words, open_=True),
        _table("parts_absent", absent, words),
        _reasons("checks_unknown", unknown, words),
        _reasons("checks_absent", beside, words),
    )


def _not_taken(origin: origin_pb2.Origin, words: Words) -> Iterator[tuple[str, ...]]:
    """Of an archive that another program made: where reading ended before its end, and members that were left out."""
    if origin.damage:
        yield element("b", origin.name), machine_words(origin.damage), NONE
    for one in origin.skipped:
        name = joined(element("b", origin.name), " ", words.filled("members_left", n=one.total))
        yield name, machine_words(one.reason), NONE


def _lacks(section: section_pb2.Section, words: Words) -> Iterator[Lack]:
    """The section itself, or the parts of it that could not be read."""
    name = element("b", words.section(section))
    if section.outcome in OUTCOMES:
        yield section.outcome, (name, *_why(section, words))
    for one in section.shortfalls:
        yield one.outcome, (joined(name, " ", element("code", one.field)), *_why(one, words))


def _why(one: section_pb2.Section | section_pb2.Shortfall, words: Words) -> tuple[str, str]:
    """How it ended and what the machine says of it, and what it would need."""
    outcome = words(f"outcome_{OUTCOMES.get(one.outcome, 'failed')}")
    return dotted(outcome, machine_words(one.reason)), words.need(one.needs) if one.needs else NONE


def _table(title: str, rows: list[tuple[str, ...]], words: Words, open_: bool = False) -> Markup:
    if not rows:
        return NOTHING
    body = table((words("what"), words("why"), words("needed")), rows[:MOST_ROWS])
    more = left_out(len(rows) - MOST_ROWS, words)
    return unfold(words.filled(title, n=len(rows)), body, more, class_="row", open_=open_)


def _reasons(title: str, found: list[finding_pb2.Coverage], words: Words) -> Markup:
    """Checks by the reason that they share."""
    if not found:
        return NOTHING
    by_reason: dict[str, list[str]] = {}
    for one in found:
        by_reason.setdefault(_reason(one, words), []).append(texts.title(one.check_id, words.language))
    pairs = [
        element("div", element("dt", why, f" ({words.count(len(titles))})"), element("dd", ", ".join(titles)))
        for why, titles in sorted(by_reason.items(), key=lambda pair: -len(pair[1]))
    ]
    return unfold(words.filled(title, n=len(found)), element("dl", *pairs, class_="reasons"), class_="row")


def _reason(one: finding_pb2.Coverage, words: Words) -> Markup:
    """In the reader's language; the machine's own words, which are English, beside it where they say more."""
    told = texts.reason_sentence(one, words.language)
    if one.message_id == "not_measured" or not one.reason:
        return joined(told)
    needed = words.filled("needs", needs=words.need(one.needs)) if one.needs else ""
    said = (told if words.language != "en" else "", machine_words(one.reason), needed if words.language == "en" else "")
    return dotted(*said)
