"""A bundle that is being made, as a page is told of it: where it stands, and a line for each section that came."""

from __future__ import annotations

from typing import Any

from caseprobe_collector.console.sections import gist_row
from caseprobe_collector.records import Event


def draft_message(event: Event) -> dict[str, Any]:
    """What a page takes; sections are those that came newly."""
    rows = [gist_row(section) for section in event.sections]
    return {"topic": event.topic, "kind": event.kind, **event.body, "sections": rows}
