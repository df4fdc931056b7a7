"""Logs as input of `check`: each file is judged like the log of a machine, whatever form it has."""

from __future__ import annotations

import gzip
import lzma
import os
import time
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

from caseprobe.errors import MeasurementError, UsageError
from caseprobe.parse.logs.entry import Entry
from caseprobe.parse.logs.facts import facts_of
from caseprobe.parse.logs.journal_file import SIGNATURE, Damaged, JournalFile
from caseprobe.parse.logs.text import LogText, read_log, rendered
from caseprobe.v1 import section_pb2, snapshot_pb2
from caseprobe_agent.cli.options import Given

# The newest part of what is longer.
LIMIT_BYTES = 64 << 20
PART_BYTES = 1 << 20
JOURNAL_ENTRIES = 200_000


def given(paths: Sequence[Path]) -> Iterator[Given]:
    """One input for each file."""
    for path in paths:
        yield Given(str(path), lambda path=path: snapshot_of(path))  # type: ignore[misc]


def snapshot_of(path: Path) -> snapshot_pb2.Snapshot:
    """A snapshot that holds nothing but this log: the kernel's, where most of its lines are, else the system's.

    Raises UsageError where the file cannot be read, MeasurementError where it is no log that we know.
    """
    try:
        log, truncated = _read(path)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise UsageError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if log is None:
        raise MeasurementError(f"{path} is no log of a form that is known (dmesg, syslog, journal)")
    facts = facts_of(log)
    facts.source, facts.truncated = str(path), truncated
    snapshot = snapshot_pb2.Snapshot(profile="log")
    if facts.HasField("last_at"):
        snapshot.started_at.CopyFrom(facts.last_at)
    name = "kernel_log" if _is_the_kernels(log) else "system_log"
    section = snapshot.sections.add(probe=name, outcome=section_pb2.PROBE_OUTCOME_OK)
    getattr(section, name).CopyFrom(facts)
    return snapshot


def _read(path: Path) -> tuple[LogText | None, bool]:
    """The newest part of a log, and whether there was more."""
    with path.open("rb") as file:
        if file.read(len(SIGNATURE)) == SIGNATURE:
            return _journal(file)
    with _opened(path) as stream:
        data, truncated = _newest(stream)
    now = datetime.now(UTC)
    return read_log(data, now, time.localtime().tm_gmtoff), truncated


def _opened(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast(IO[bytes], gzip.open(path))
    return cast(IO[bytes], lzma.open(path)) if path.suffix == ".xz" else path.open("rb")


def _journal(file: IO[bytes]) -> tuple[LogText, bool]:
    try:
        journal = JournalFile(lambda offset, size: os.pread(file.fileno(), size, offset))
    except Damaged as error:
        raise MeasurementError(f"it is no journal that can be read: {error}") from error
    entries: list[Entry] = []
    for entry in journal.newest_first():
        if len(entries) == JOURNAL_ENTRIES:
            break
        entries.append(entry)
    cut = len(entries) == JOURNAL_ENTRIES or journal.damaged_total > 0
    return rendered(reversed(entries), datetime.now(UTC)), cut


def _newest(stream: IO[bytes]) -> tuple[bytes, bool]:
    """The last LIMIT_BYTES from a line's beginning on; never holds much more, however much comes out of it."""
    kept, truncated = bytearray(), False
    while part := stream.read(PART_BYTES):
        kept += part
        if len(kept) > LIMIT_BYTES + PART_BYTES:
            cut = kept.find(b"\n", len(kept) - LIMIT_BYTES)
            del kept[: cut + 1 if cut >= 0 else len(kept) - LIMIT_BYTES]
            truncated = True
    return bytes(kept), truncated


def _is_the_kernels(log: LogText) -> bool:
    """By a few lines from its beginning and its end."""
    lines = [line for line in log.text[:20_000].split("\n")[:100] + log.text[-20_000:].split("\n")[-100:] if line]
    entries = [entry for line in lines if (entry := log.parse(line)) is not None]
    return sum(entry.kernel for entry in entries) * 2 > len(entries)
