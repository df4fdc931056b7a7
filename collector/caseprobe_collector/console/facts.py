"""Sections as tables, read off the message's own descriptor: a new probe shows without a line of console code.

Units stand in the field names (DESIGN: base units), and only here they become a person's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, cast

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from caseprobe import texts
from caseprobe.report.words import Words
from caseprobe.v1 import section_pb2

# Staff read English; what the report draws and names is drawn and named with these.
ENGLISH = Words("en")

OUTCOMES = ("unknown", "ok", "absent", "denied", "timeout", "failed", "skipped")
ROWS_SHOWN = 200
GIST_FACTS, GIST_CHARACTERS = 4, 300
# Of few facts these are the last to be told.
NOTHING_SAID = ("", "no", "0", "0%", "0 B")


@dataclass(frozen=True)
class Fact:
    """One value: its name in words, the value for a person, and the share it is of a whole, where it is one."""

    label: str
    text: str
    ratio: float | None = None


@dataclass(frozen=True)
class FactTable:
    """Repeated facts: a row per object; numeric says which columns stand right."""

    label: str
    columns: list[str]
    numeric: list[bool]
    rows: list[list[Fact]]
    total: int


@dataclass(frozen=True)
class SectionView:
    """One probe's result as shown; reason and needs say why it is not whole, by_reader what the reader read of it."""

    probe: str
    label: str
    outcome: str
    reason: str
    needs: str
    duration_seconds: float
    facts: list[Fact]
    tables: list[FactTable]
    shortfalls: list[str]
    by_reader: str


def section_view(section: section_pb2.Section) -> SectionView:
    """A section as shown."""
    name = section.WhichOneof("facts")
    facts: Message | None = getattr(section, name) if name else None
    return SectionView(
        probe=section.probe,
        label=ENGLISH.section(section),
        outcome=outcome_word(section),
        reason=section.reason,
        needs=section.needs,
        duration_seconds=section.duration_seconds,
        facts=list(_scalars(facts)) if facts else [],
        tables=list(_tables(facts)) if facts else [],
        shortfalls=[_shortfall(item) for item in section.shortfalls],
        by_reader=ENGLISH.by_reader(section),
    )


def outcome_word(section: section_pb2.Section) -> str:
    """How its probe ended; unknown where that is a newer machine's word."""
    return OUTCOMES[section.outcome] if 0 <= section.outcome < len(OUTCOMES) else "unknown"


def gist_of(section: section_pb2.Section) -> str:
    """The first facts of a section and how much there is of what it lists, in one line."""
    name = section.WhichOneof("facts")
    if name is None:
        return ""
    facts: Message = getattr(section, name)
    saying = (fact for fact in _scalars(facts) if fact.text not in NOTHING_SAID)
    told = [f"{fact.label} {fact.text}" for fact in islice(saying, GIST_FACTS)]
    lists = [f"{label_of(field.name)}: {len(value)}" for field, value in facts.ListFields() if _is_list(field)]
    return ", ".join((*told, *lists))[:GIST_CHARACTERS]


def _is_list(field: FieldDescriptor) -> bool:
    return field.is_repeated and field.type == FieldDescriptor.TYPE_MESSAGE


def _shortfall(item: section_pb2.Shortfall) -> str:
    need = f" (needs {item.needs})" if item.needs else ""
    return f"{item.field}: {item.reason}{need}"


def _fields(descriptor: Any) -> list[FieldDescriptor]:
    return cast("list[FieldDescriptor]", list(descriptor.fields))


def _scalars(message: Message, prefix: str = "") -> Iterator[Fact]:
    for field in _fields(message.DESCRIPTOR):
        value = getattr(message, field.name)
        if field.type == FieldDescriptor.TYPE_MESSAGE and not field.is_repeated:
            if message.HasField(field.name):
                yield from _nested(field, value, prefix)
        elif field.is_repeated and field.type != FieldDescriptor.TYPE_MESSAGE:
            if len(value):
                yield Fact(prefix + label_of(field.name), ", ".join(_text(field, item) for item in value))
        elif not field.is_repeated and _is_told(message, field, value):
            yield Fact(prefix + label_of(field.name), _text(field, value), _ratio(field, value))


def _nested(field: FieldDescriptor, value: Message, prefix: str) -> Iterator[Fact]:
    if _is_time(field):
        if (text := _time(value)) != "":
            yield Fact(prefix + label_of(field.name), text)
        return
    yield from _scalars(value, f"{prefix}{label_of(field.name)}: ")


def _is_told(message: Message, field: FieldDescriptor, value: Any) -> bool:
    """Absent is not zero: what a probe did not tell is not shown as a value."""
    if field.has_presence:
        return message.HasField(field.name)
    return value not in ("", b"")


def _tables(message: Message) -> Iterator[FactTable]:
    for field in _fields(message.DESCRIPTOR):
        if field.type == FieldDescriptor.TYPE_MESSAGE and field.is_repeated:
            items = getattr(message, field.name)
            if len(items):
                yield _table(field, items)


def _table(field: FieldDescriptor, items: Any) -> FactTable:
    kept = [f for f in _fields(field.message_type) if _is_column(f) and any(_cell(f, item).text for item in items)]
    rows = [[_cell(f, item) for f in kept] for item in items[:ROWS_SHOWN]]
    return FactTable(
        label_of(field.name),
        [label_of(f.name) for f in kept],
        [_is_number(f) for f in kept],
        rows,
        len(items),
    )


def _is_column(field: FieldDescriptor) -> bool:
    return field.type != FieldDescriptor.TYPE_MESSAGE or _is_time(field) or field.is_repeated


def _cell(field: FieldDescriptor, item: Message) -> Fact:
    value = getattr(item, field.name)
    if field.is_repeated:
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            return Fact("", str(len(value)) if len(value) else "")
        return Fact("", ", ".join(_text(field, one) for one in value))
    if _is_time(field):
        return Fact("", _time(value))
    if not _is_told(item, field, value):
        return Fact("", "")
    return Fact("", _text(field, value), _ratio(field, value))


def _is_number(field: FieldDescriptor) -> bool:
    return not field.is_repeated and field.type in (
        FieldDescriptor.TYPE_DOUBLE,
        FieldDescriptor.TYPE_FLOAT,
        FieldDescriptor.TYPE_UINT32,
        FieldDescriptor.TYPE_UINT64,
    )


def _is_time(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp"


def _time(value: Any) -> str:
    if value.seconds == 0 and value.nanos == 0:
        return ""
    try:
        moment: datetime = value.ToDatetime(tzinfo=UTC)
    except (OverflowError, ValueError):
        return "out of range"
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


_UNITS = ("_bytes_per_second", "_bits_per_second", "_bytes", "_ratio", "_seconds", "_celsius")
_ACRONYMS = frozenset(
    {"bios", "cpu", "id", "io", "mac", "mtu", "os", "pci", "pid", "tcp", "uuid", "aer", "mpls", "ttl"}
)
_SUFFIXES = (*_UNITS, "_per_second", "_total", "_hertz", "_at")


def label_of(name: str) -> str:
    """A field's name in words, its unit left to the value.

    >>> label_of("available_bytes"), label_of("os_name"), label_of("parent_pid")
    ('Available', 'OS name', 'Parent PID')
    """
    stem = next((name.removesuffix(s) for s in _SUFFIXES if name.endswith(s) and name != s), name)
    words = [word.upper() if word in _ACRONYMS else word for word in stem.split("_")]
    first = words[0] if words[0].isupper() else words[0].capitalize()
    return " ".join([first, *words[1:]])


def _ratio(field: FieldDescriptor, value: Any) -> float | None:
    return min(1.0, max(0.0, float(value))) if field.name.endswith("_ratio") else None


def _text(field: FieldDescriptor, value: Any) -> str:
    if isinstance(value, bytes):
        return address_text(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number_text(field.name, value)
    return str(value)


def address_text(packed: bytes) -> str:
    """An address of 4 or 16 bytes in words; hex for any other length, empty for none."""
    try:
        return str(ipaddress.ip_address(packed)) if packed else ""
    except ValueError:
        return packed.hex()


def number_text(name: str, value: float) -> str:
    """A number in the unit that its field's name ends in; ports, pids and the like stay as they are.

    >>> number_text("used_ratio", 0.91), number_text("pid", 1234567), number_text("errors_total", 1234567)
    ('91%', '1234567', '1,234,567')
    """
    if name.endswith("_hertz"):
        return f"{texts.format_count(value / 1e9)}\N{NO-BREAK SPACE}GHz"
    if isinstance(value, int) and not name.endswith((*_UNITS, "_total")):
        return str(value)
    return texts.format_value(name, value)
