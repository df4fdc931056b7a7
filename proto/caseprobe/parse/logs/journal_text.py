"""What `journalctl -o json` and `-o export` print."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from caseprobe.parse.logs.entry import KERNEL, Entry

FIELD_BYTES = 1 << 16
FIELDS_READ = (
    "MESSAGE",
    "PRIORITY",
    "SYSLOG_IDENTIFIER",
    "_COMM",
    "_PID",
    "SYSLOG_PID",
    "_TRANSPORT",
    "_SYSTEMD_UNIT",
    "UNIT",
    "_HOSTNAME",
    "_SOURCE_MONOTONIC_TIMESTAMP",
)
Fields = Mapping[str, str]


def parse_json_line(line: str) -> Entry | None:
    """One object; None for anything else. Values that are no text are arrays of bytes, or of values.

    >>> parse_json_line('{"MESSAGE":[104,105],"_TRANSPORT":"kernel","PRIORITY":"3"}').text
    'hi'
    """
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    return entry_of({name: text for name, value in told.items() if (text := _text(value)) is not None})


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or not value:
        return None
    if all(isinstance(one, int) and 0 <= one < 256 for one in value):
        return bytes(value).decode("utf-8", "replace")
    return _text(value[-1]) if not isinstance(value[-1], list) else None


def parse_export(data: bytes) -> Iterator[Entry]:
    """Entries of the export format (systemd, docs/JOURNAL_EXPORT_FORMATS.md); ends where it is damaged."""
    fields: dict[str, str] = {}
    place = 0
    while place < len(data):
        end = data.find(b"\n", place)
        end = len(data) if end < 0 else end
        line, place = data[place:end], end + 1
        if not line:
            if (entry := entry_of(fields)) is not None:
                yield entry
            fields = {}
            continue
        name, equals, value = line.partition(b"=")
        if not equals:
            # A value with line feeds: its size in eight bytes, then the bytes, then a line feed.
            size = int.from_bytes(data[place : place + 8], "little")
            value = data[place + 8 : place + 8 + size]
            place += 8 + size + 1
        fields[name.decode("ascii", "replace")] = value[:FIELD_BYTES].decode("utf-8", "replace")
    if (entry := entry_of(fields)) is not None:
        yield entry


def entry_of(fields: Fields, sequence: int = 0, sequence_id: str = "") -> Entry | None:
    """The entry of a journal's fields; None where there is no message."""
    if "MESSAGE" not in fields:
        return None
    kernel = fields.get("_TRANSPORT") == KERNEL
    microseconds = _number(fields.get("__REALTIME_TIMESTAMP"))
    own = fields.get("_SOURCE_MONOTONIC_TIMESTAMP") if kernel else None
    monotonic = _number(own or fields.get("__MONOTONIC_TIMESTAMP"))
    level = _number(fields.get("PRIORITY"))
    return Entry(
        text=fields["MESSAGE"],
        program=fields.get("SYSLOG_IDENTIFIER") or fields.get("_COMM") or "",
        at=None if microseconds is None else microseconds / 1e6,
        seconds=None if monotonic is None else monotonic / 1e6,
        level=level if level is not None and level < 8 else None,
        pid=_number(fields.get("_PID") or fields.get("SYSLOG_PID")),
        unit=fields.get("UNIT") or fields.get("_SYSTEMD_UNIT") or "",
        host=fields.get("_HOSTNAME", ""),
        kernel=kernel,
        sequence=sequence,
        sequence_id=sequence_id,
    )


def _number(text: str | None) -> int | None:
    """None for what is no number, or one that no clock or process has."""
    return int(text) if text and len(text) < 18 and text.isascii() and text.isdecimal() else None
