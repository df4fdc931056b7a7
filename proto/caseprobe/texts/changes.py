"""A change in words of every language, and as JSON."""

from __future__ import annotations

import math

from caseprobe.diff import Change, Value
from caseprobe.diff.change import APPEARED, GONE, GREW
from caseprobe.texts import catalogue
from caseprobe.texts.template import printable
from caseprobe.texts.units import format_value, plain_name
from caseprobe.v1.snapshot_pb2 import Snapshot


def taken(snapshot: Snapshot) -> str:
    """When it was taken, in UTC, to the minute; a dash where that cannot be a date."""
    try:
        return f"{snapshot.started_at.ToDatetime():%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError):
        return "–"


def change_json(change: Change) -> dict[str, object]:
    """One change; object and field are empty where it is of the machine or of the object as a whole."""
    return {
        "section": change.section,
        "object": change.object,
        "field": change.field,
        "change": change.kind,
        "before": _finite(change.before),
        "after": _finite(change.after),
        "rank": change.rank,
        "summary": change_sentence(change),
    }


def change_sentence(change: Change, language: str = "en") -> str:
    """One line: where, what, from what to what.

    >>> change = Change("interfaces", "eth0", "speed_bits_per_second", "changed", 1e9, 1e8)
    >>> change_sentence(change).replace("\u00a0", " ")
    'Network eth0: speed 1 Gbit/s → 100 Mbit/s'
    """
    where = f"{catalogue.label(f'section_{change.section}', language)} {change.object}".strip()
    if change.kind in (APPEARED, GONE):
        return printable(f"{where}: {catalogue.label(f'change_{NAMES[change.kind]}', language)}")
    if change.field == "boot":
        return f"{where}: {catalogue.label('change_boot', language)}"
    label, before, after = _field(change.field, language), *_sides(change, language)
    if grown := _grown(change, language):
        return printable(f"{where}: {label} {grown} ({before} → {after})")
    return printable(f"{where}: {label} {before} → {after}")


# How the catalogue calls what came and what went.
NAMES = {APPEARED: "new", GONE: "gone"}


def change_cells(change: Change, language: str = "en") -> tuple[str, str, str]:
    """What, before and after, for a table; what came has no before, what went no after, what grew says by how much.

    >>> change_cells(Change("routes", "default", "", "gone", None, None))
    ('', 'was there', '')
    >>> change_cells(Change("disks", "sda", "errors_total", "grew", 3, 5))
    ('errors', '3', '5 (+2)')
    """
    if change.kind == APPEARED:
        return "", "", catalogue.label("change_new", language)
    if change.kind == GONE:
        return "", catalogue.label("change_was", language), ""
    grown = _grown(change, language)
    before, after = _sides(change, language)
    return _field(change.field, language), before, f"{after} ({printable(grown)})" if grown else after


def _field(name: str, language: str) -> str:
    """What a fact is called; one that the catalogue does not know goes by its name in the contract."""
    plain = plain_name(name)
    known = catalogue.read("changes")["field"].get(plain.replace(" ", "_"))
    return catalogue.in_language(known, language) if known else plain


def _grown(change: Change, language: str) -> str:
    """By how much a counter grew; empty for every other change."""
    if change.kind == GREW and isinstance(change.before, int | float) and isinstance(change.after, int | float):
        return f"+{_worded(change.field, change.after - change.before, language)}"
    return ""


def _sides(change: Change, language: str) -> tuple[str, str]:
    before, after = (printable(_worded(change.field, value, language)) for value in (change.before, change.after))
    return before, after


def _worded(field: str, value: Value | None, language: str) -> str:
    if isinstance(value, bool):
        return catalogue.label("yes" if value else "no", language)
    if isinstance(value, int | float):
        return format_value(field.removesuffix("_total") if field.endswith("_bytes_total") else field, value, language)
    return value or catalogue.label("change_none", language)


def _finite(value: Value | None) -> Value | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value
