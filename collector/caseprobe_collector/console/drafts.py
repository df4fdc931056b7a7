"""A bundle that is being made, as a page is told of it: where it stands, and a line for each section that came."""

from __future__ import annotations

from typing import Any

from caseprobe.v1 import section_pb2
from caseprobe_collector.console.facts import ENGLISH, gist_of, outcome_word
from caseprobe_collector.records import Event

# The name is a machine's word.
MAX_NAME = 60


def draft_message(event: Event) -> dict[str, Any]:
    """What a page takes; sections are those that came newly."""
    rows = [_row(section) for section in event.sections]
    return {"topic": event.topic, "kind": event.kind, **event.body, "sections": rows}


def _row(section: section_pb2.Section) -> dict[str, str]:
    name, label = section.probe[:MAX_NAME], ENGLISH.section(section)[:MAX_NAME]
    return {"probe": name, "label": label, "outcome": outcome_word(section), "gist": gist_of(section)}
