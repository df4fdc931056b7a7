"""Logs of other systems as the facts that a log's probe gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from caseprobe.parse.logs.entry import Entry
from caseprobe.parse.logs.facts import FAULTS_AT_MOST, FAULTS_OF_EACH, QUOTE_CHARACTERS, facts_of, timestamp
from caseprobe.parse.logs.faults import Fault, Message, newest, settled
from caseprobe.parse.logs.text import rendered
from caseprobe.v1 import section_pb2

Classify = Callable[[int], tuple[str, str] | None]


def log_facts(source: str, entries: Sequence[Entry], classify: Classify) -> section_pb2.LogFacts:
    """The facts of a log whose lines are these entries; classify gives class and object of the entry at a place.

    Rules of Linux' kernel are not asked: another system's messages may hold their words.
    """
    plain = [
        Entry(**{name: getattr(one, name) for name in ("text", "program", "at", "level", "pid", "host")})
        for one in entries
    ]
    now = max((one.at for one in entries if one.at is not None), default=0.0)
    log = rendered(plain, datetime.fromtimestamp(now, UTC))
    facts = facts_of(log)
    facts.source = source
    del facts.faults[:]
    lines = log.text.split("\n")
    found = [
        Fault(*known, Message(place + 1, one.at, one.text, lines[place][:QUOTE_CHARACTERS]))
        for place, one in enumerate(entries)
        if (known := classify(place)) is not None
    ]
    for fault in newest(settled(found), FAULTS_AT_MOST, FAULTS_OF_EACH):
        message = fault.message
        made = facts.faults.add(
            fault_class=fault.fault_class, object=fault.object, line=message.line, text=message.quoted
        )
        if message.seconds is not None:
            made.at.CopyFrom(timestamp(message.seconds))
    return facts
