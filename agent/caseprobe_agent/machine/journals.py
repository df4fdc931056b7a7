"""The journal's newest entries, or those of a stretch of time, read from its files without systemd."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from caseprobe.errors import MachineAbsent, MachineDenied, MeasurementError
from caseprobe.parse.logs.entry import Entry
from caseprobe.parse.logs.journal_file import Damaged, JournalFile, newest_first
from caseprobe.parse.logs.place import CONTEXT_LINES, Place
from caseprobe.parse.logs.window import Window
from caseprobe_agent.machine import Machine

FOLDERS = ("/var/log/journal", "/run/log/journal")
ENDINGS = (".journal", ".journal~")
FILES_AT_MOST = 64
# For a window every file's first bytes are looked at, and only those kept open that may hold some of it.
LOOKED_AT_MOST, OUTSIDE_AT_MOST = 1024, 1000
NEEDS = "group adm or systemd-journal"


@dataclass
class Newest:
    """Entries in the order of time; truncated where older ones were left out; errors of files that were not read.

    told: so many at the beginning were told before. sequences: the last one of each writer.
    """

    entries: list[Entry]
    truncated: bool
    errors: list[MeasurementError] = field(default_factory=list)
    told: int = 0
    sequences: dict[str, int] = field(default_factory=dict)


def read_newest(
    machine: Machine, entries_at_most: int, limit_bytes: int, kernel_only: bool = False, place: Place | None = None
) -> Newest:
    """The newest entries of all files of this machine's journal, as long as their messages fit.

    place: where the last reader stopped; what comes before it is left out but for a little.
    Raises MachineAbsent where there is no journal, MachineDenied where no file of it may be read.
    """
    with _opened(machine, None) as (files, found):
        told: list[Entry] = []
        for entry in newest_first(files, kernel_only):
            limit_bytes -= _size_of(entry)
            if len(found.entries) == entries_at_most or limit_bytes < 0:
                found.truncated = not told
                break
            if place is None or not _before(entry, place):
                found.entries.append(entry)
                found.sequences[entry.sequence_id] = max(entry.sequence, found.sequences.get(entry.sequence_id, 0))
            elif len(told) == CONTEXT_LINES:
                break
            else:
                told.append(entry)
        found.entries, found.told = [*reversed(told), *reversed(found.entries)], len(told)
        return found


def read_window(
    machine: Machine, window: Window, entries_at_most: int, limit_bytes: int, kernel_only: bool = False
) -> Newest:
    """The newest entries of a stretch of time, by the files' own indices. Raises as read_newest."""
    with _opened(machine, window) as (files, found):
        outside = 0
        for entry in newest_first(files, kernel_only, window.to_at):
            if not window.holds(entry.at):
                # Where the clock was set, what comes before may belong to it again.
                outside += 1
                if outside > OUTSIDE_AT_MOST:
                    break
                continue
            outside = 0
            limit_bytes -= _size_of(entry)
            if len(found.entries) == entries_at_most or limit_bytes < 0:
                found.truncated = True
                break
            found.entries.append(entry)
        found.entries.reverse()
        return found


def _size_of(entry: Entry) -> int:
    """About what its line takes."""
    return len(entry.text) + len(entry.program) + 64


@contextlib.contextmanager
def _opened(machine: Machine, window: Window | None) -> Iterator[tuple[list[JournalFile], Newest]]:
    """The files that may hold what is asked for, and what could not be read; raises where none can be read."""
    errors: list[MeasurementError] = []
    with contextlib.ExitStack() as stack:
        files, read_total = [], 0
        for path in _paths(machine, errors)[-FILES_AT_MOST if window is None else -LOOKED_AT_MOST :]:
            with contextlib.ExitStack() as own:
                file = _open(machine, path, own, errors)
                read_total += file is not None
                if file is not None and _may_hold(file, window):
                    files.append(file)
                    stack.enter_context(own.pop_all())
        if not read_total:
            raise _nothing(errors)
        yield sorted(files, key=lambda one: -one.newest_at), Newest([], False, errors)


def _may_hold(file: JournalFile, window: Window | None) -> bool:
    return window is None or (file.oldest_at <= window.to_at and file.newest_at >= window.from_at)


def _before(entry: Entry, place: Place) -> bool:
    """Whether this was read before: by its writer's own count, else by time."""
    last = place.sequences.get(entry.sequence_id)
    if last is not None:
        return entry.sequence <= last
    return place.at is not None and (entry.at or 0.0) <= place.at


def _open(
    machine: Machine, path: str, stack: contextlib.ExitStack, errors: list[MeasurementError]
) -> JournalFile | None:
    try:
        return JournalFile(stack.enter_context(machine.opened(path)))
    except Damaged as error:
        errors.append(MeasurementError(f"{path} is no journal that can be read: {error}"))
    except MachineDenied:
        errors.append(MachineDenied(f"{path} cannot be read: it takes root or {NEEDS}", needs=NEEDS))
    except MeasurementError as error:
        errors.append(error)
    return None


def _paths(machine: Machine, errors: list[MeasurementError]) -> list[str]:
    """The files of the machine itself; the folders of further journals have a dot in their names."""
    found: list[str] = []
    for folder in FOLDERS:
        for name in _names(machine, folder, errors):
            if "." not in name:
                place = f"{folder}/{name}"
                found += [f"{place}/{one}" for one in _names(machine, place, errors) if one.endswith(ENDINGS)]
    # The active files have no "@"; of the archived ones those with the latest times in their names come last.
    found.sort(key=lambda path: ("@" not in path, path))
    return found


def _names(machine: Machine, folder: str, errors: list[MeasurementError]) -> Iterator[str]:
    try:
        yield from machine.list_dir(folder)
    except MachineAbsent:
        return
    except MachineDenied:
        errors.append(MachineDenied(f"{folder} cannot be read: it takes root or {NEEDS}", needs=NEEDS))
    except MeasurementError as error:
        errors.append(error)


def _nothing(errors: list[MeasurementError]) -> MeasurementError:
    denied = next((error for error in errors if isinstance(error, MachineDenied)), None)
    return denied or (errors[0] if errors else MachineAbsent("there is no journal"))
