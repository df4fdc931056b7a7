"""Two snapshots walked side by side: what is described by a message is compared field by field, without knowing it.

A section that is added to the contract later is compared as well: objects are found again by the fields that name
them, and what its fields mean is read from their names, which carry their units.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from google.protobuf.message import Message

from caseprobe.diff.change import APPEARED, CHANGED, GONE, Change, Value
from caseprobe.diff.meaning import NOISE, changed, ranked
from caseprobe.v1 import section_pb2, snapshot_pb2

MOST_CHANGES = 2000
# A session's own measurement, and what is told of the moment only.
LEFT_OUT = (
    *("path", "clock", "processes", "kernel_log", "system_log", "deleted_files", "time_sync", "dns"),
    "history",
)
# Fields that say which object of several this is, in the order in which they are read.
NAMES = (
    *("name", "mount_point", "slot", "chip", "label", "protocol", "address", "port", "destination", "gateway"),
    *("interface", "family", "path", "source", "host", "number", "id", "page", "offset"),
)
# A field's descriptor: its class depends on which implementation of protobuf is in use.
Field = Any
SEPARATOR = " › "


def compare(before: snapshot_pb2.Snapshot, after: snapshot_pb2.Snapshot) -> list[Change]:
    """Every fact that differs, what matters most first; at most MOST_CHANGES."""
    found = [*_machine(before, after), *_sections(before, after)]
    found.sort(key=lambda change: (-change.rank, change.section, change.object, change.field))
    return found[:MOST_CHANGES]


def _machine(before: snapshot_pb2.Snapshot, after: snapshot_pb2.Snapshot) -> Iterator[Change]:
    """Whether it was started anew, and the agent's own version."""
    if before.boot_id and after.boot_id and before.boot_id != after.boot_id:
        yield ranked(Change("system", "", "boot", CHANGED, before.boot_id, after.boot_id))
    change = changed("system", "", "agent_version", before.agent_version, after.agent_version)
    if change:
        yield change


def _sections(before: snapshot_pb2.Snapshot, after: snapshot_pb2.Snapshot) -> Iterator[Change]:
    old = {section.probe: section for section in before.sections}
    for section in after.sections:
        earlier = old.get(section.probe)
        if earlier is None or section.probe in LEFT_OUT:
            continue
        if section.outcome != earlier.outcome:
            name = section_pb2.ProbeOutcome.Name
            words = [name(one.outcome).removeprefix("PROBE_OUTCOME_").lower() for one in (earlier, section)]
            yield ranked(Change(section.probe, "", "outcome", CHANGED, words[0], words[1]))
        facts = section.WhichOneof("facts")
        if facts and facts == earlier.WhichOneof("facts"):
            yield from _message(section.probe, "", getattr(earlier, facts), getattr(section, facts))


def _message(section: str, path: str, before: Message, after: Message) -> Iterator[Change]:
    """Every field of two messages of one type."""
    for field in after.DESCRIPTOR.fields:
        if NOISE.fullmatch(field.name) and not field.name.startswith("speed_"):
            continue
        old, new = getattr(before, field.name), getattr(after, field.name)
        if field.is_repeated:
            yield from _repeated(section, path, field, old, new)
        elif field.message_type is None:
            yield from _value(section, path, field, before, after)
        elif field.message_type.file.package == after.DESCRIPTOR.file.package:
            yield from _message(section, path, old, new)


def _value(section: str, path: str, field: Field, before: Message, after: Message) -> Iterator[Change]:
    """One value; one that is not told on one side says nothing."""
    if field.has_presence and not (before.HasField(field.name) and after.HasField(field.name)):
        return
    old, new = _plain(field, getattr(before, field.name)), _plain(field, getattr(after, field.name))
    if old is not None and new is not None and (change := changed(section, path, field.name, old, new)):
        yield change


def _plain(field: Field, value: Any) -> Value | None:
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return str(known.name) if known else int(value)
    return None if isinstance(value, bytes) else value


def _repeated(section: str, path: str, field: Field, before: Any, after: Any) -> Iterator[Change]:
    if field.message_type is None:
        yield from _set(section, path, field.name, before, after)
        return
    old, new = _named(before), _named(after)
    for name in old.keys() - new.keys():
        yield ranked(Change(section, _join(path, name), "", GONE, field.name, None))
    for name, one in new.items():
        if name in old:
            yield from _message(section, _join(path, name), old[name], one)
        else:
            yield ranked(Change(section, _join(path, name), "", APPEARED, None, field.name))


def _set(section: str, path: str, field: str, before: Iterable[Value], after: Iterable[Value]) -> Iterator[Change]:
    """A list of values: what is no longer in it and what is new, in one line; its order is no fact."""
    old, new = [str(one) for one in before], [str(one) for one in after]
    if sorted(old) != sorted(new) and (change := changed(section, path, field, ", ".join(old), ", ".join(new))):
        yield change


def _named(messages: Sequence[Message]) -> dict[str, Message]:
    """Messages by what names them; those without a name cannot be found again and are left out."""
    found: dict[str, Message] = {}
    for message in messages:
        fields = message.DESCRIPTOR.fields_by_name
        parts = [str(getattr(message, name)) for name in NAMES if name in fields and getattr(message, name)]
        name = " ".join(parts)
        number = 2
        while name in found and number < 100:
            name, number = f"{' '.join(parts)} ({number})", number + 1
        if parts:
            found[name] = message
    return found


def _join(path: str, name: str) -> str:
    return f"{path}{SEPARATOR}{name}" if path else name
