"""A change in words and as JSON; English, for support."""

from __future__ import annotations

import math

from caseprobe.diff import Change, Value
from caseprobe.diff.change import APPEARED, GONE, GREW
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


def change_sentence(change: Change) -> str:
    """One line: where, what, from what to what.

    >>> change = Change("interfaces", "eth0", "speed_bits_per_second", "changed", 1e9, 1e8)
    >>> change_sentence(change).replace("\u00a0", " ")
    'interfaces eth0: speed 1 Gbit/s → 100 Mbit/s'
    """
    where = f"{change.section} {change.object}".strip()
    if change.kind in (APPEARED, GONE):
        return printable(f"{where}: {'is new' if change.kind == APPEARED else 'is gone'}")
    if change.field == "boot":
        return "system: was started anew"
    label, before, after = plain_name(change.field), *_sides(change)
    if grown := _grown(change):
        return printable(f"{where}: {label} {grown} ({before} → {after})")
    return printable(f"{where}: {label} {before} → {after}")


def change_cells(change: Change) -> tuple[str, str, str]:
    """What, before and after, for a table; what came has no before, what went no after, what grew says by how much.

    >>> change_cells(Change("routes", "default", "", "gone", None, None))
    ('', 'was there', '')
    >>> change_cells(Change("disks", "sda", "errors_total", "grew", 3, 5))
    ('errors', '3', '5 (+2)')
    """
    if change.kind in (APPEARED, GONE):
        return "", "" if change.kind == APPEARED else "was there", "is new" if change.kind == APPEARED else ""
    grown = _grown(change)
    before, after = _sides(change)
    return plain_name(change.field), before, f"{after} ({printable(grown)})" if grown else after


def _grown(change: Change) -> str:
    """By how much a counter grew; empty for every other change."""
    if change.kind == GREW and isinstance(change.before, int | float) and isinstance(change.after, int | float):
        return f"+{_worded(change.field, change.after - change.before)}"
    return ""


def _sides(change: Change) -> tuple[str, str]:
    return printable(_worded(change.field, change.before)), printable(_worded(change.field, change.after))


def _worded(field: str, value: Value | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return format_value(field.removesuffix("_total") if field.endswith("_bytes_total") else field, value)
    return value or "none"


def _finite(value: Value | None) -> Value | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value
