"""Sections that come while somebody watches: a line for each of a bundle on its way, values or lines of a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from caseprobe.v1 import link_pb2, section_pb2
from caseprobe_collector.console.facts import ENGLISH, gist_of, outcome_word, section_view

# The name is a machine's word.
MAX_NAME = 60
LONGEST_LINE = 4096


def gist_row(section: section_pb2.Section) -> dict[str, str]:
    """A section in a line: what it is, how it ended, its first facts."""
    name, label = section.probe[:MAX_NAME], ENGLISH.section(section)[:MAX_NAME]
    return {"probe": name, "label": label, "outcome": outcome_word(section), "gist": gist_of(section)}


def sections_message(one: link_pb2.Sections) -> dict[str, Any]:
    """One round of a running session, as a page or a program takes it."""
    return {
        "topic": f"session:{one.session_id}",
        "kind": "sections",
        "session_id": one.session_id,
        "number": one.number,
        "sections": [seen_section(section) for section in one.sections],
    }


def so_far(rounds: Sequence[link_pb2.Sections]) -> dict[str, Any]:
    """What a page shows of a running session without a script: the newest of each section, and every line kept."""
    seen = [section for one in rounds for section in sections_message(one)["sections"]]
    newest = {section["probe"]: section for section in seen}
    lines = [line for section in seen for line in section["lines"]]
    return {"number": rounds[-1].number if rounds else 0, "sections": list(newest.values()), "lines": lines}


def seen_section(section: section_pb2.Section) -> dict[str, Any]:
    """A section as it is seen live: of a log its new lines, of anything else its facts and tables as in a snapshot.

    note: what is missing, in a sentence; empty where nothing is.
    """
    row: dict[str, Any] = {**gist_row(section), "note": _note(section), "facts": [], "tables": []}
    row["lines"] = [{"line": one.line, "text": plain(one.text)} for one in section.lines]
    row["gist"] = "" if section.HasField("log_tail") else plain(row["gist"])
    if not section.HasField("log_tail"):
        view = asdict(section_view(section))
        row["facts"], row["tables"] = view["facts"], view["tables"]
    return row


def plain(text: str) -> str:
    """A line of a machine without control characters, safe in a terminal too.

    >>> plain("a\\x1b[2Jb\\tc")
    'a�[2Jb\\tc'
    """
    return "".join(one if one.isprintable() or one == "\t" else "�" for one in text[:LONGEST_LINE])


def _note(section: section_pb2.Section) -> str:
    """Why it is not whole."""
    if section.reason or not section.HasField("log_tail"):
        return plain(section.reason)
    tail = section.log_tail
    if not tail.left_out_total and not tail.truncated:
        return ""
    known = f"{tail.left_out_total:,}{' or more' if tail.truncated else ''}" if tail.left_out_total else "some"
    return f"{known} lines before these came faster than they may be shown; the log itself has them"
