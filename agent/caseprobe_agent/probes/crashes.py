"""What crashes left behind: the kernel's last words in pstore, kernel dumps, core files of programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from caseprobe.errors import MachineAbsent, MeasurementError
from caseprobe.parse.dump_name import parse_dump_name
from caseprobe.v1.section_host_pb2 import CrashesFacts, Dump
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, names_in, timestamp

PSTORE, CRASH, COREDUMP = "/sys/fs/pstore", "/var/crash", "/var/lib/systemd/coredump"
# Files in the folders of kdump, which are named by the moment.
KERNEL_DUMPS = ("vmcore", "vmcore.flat", "vmcore-dmesg.txt")
DUMPS_AT_MOST, LOOKED_AT = 100, 2000
PROGRAM, KERNEL = "program", "kernel"

Find = Callable[[Machine, str, list[str]], Iterator[Dump]]


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """Every dump with its time, the newest first; absent where this machine has no place for any."""
    notes = Notes()
    found: list[Dump] = []
    read = 0
    for folder, find in PLACES:
        try:
            found += find(machine, folder, machine.list_dir(folder)[-LOOKED_AT:])
            read += 1
        except MachineAbsent:
            continue
        except MeasurementError as error:
            notes.lack("crashes.dumps", error)
    if not read and not notes.shortfalls:
        raise MachineAbsent("this machine has no place where crashes leave a dump")
    found.sort(key=lambda dump: -dump.at.ToMicroseconds())
    facts = CrashesFacts(dumps=found[:DUMPS_AT_MOST], measured_at=timestamp(machine.wall_seconds()))
    return notes.measured(facts)


def _last_words(machine: Machine, folder: str, names: list[str]) -> Iterator[Dump]:
    """dmesg-efi-…, dmesg-ramoops-0: one crash is cut into many parts, which share their moment."""
    seen = set()
    for name in names:
        dump = _dump(machine, KERNEL, f"{folder}/{name}") if name.startswith("dmesg-") else None
        if dump is not None and dump.at.seconds not in seen:
            seen.add(dump.at.seconds)
            yield dump


def _kernel_dumps(machine: Machine, folder: str, names: list[str]) -> Iterator[Dump]:
    for name in names:
        path = next(
            (f"{folder}/{name}/{file}" for file in names_in(machine, f"{folder}/{name}") if file in KERNEL_DUMPS), ""
        )
        if path and (dump := _dump(machine, KERNEL, path)) is not None:
            yield dump


def _cores(machine: Machine, folder: str, names: list[str]) -> Iterator[Dump]:
    for name in names:
        told = parse_dump_name(name)
        dump = _dump(machine, PROGRAM, f"{folder}/{name}") if told is not None else None
        if told is not None and dump is not None:
            dump.program = told.program
            if told.at_seconds is not None:
                dump.at.CopyFrom(timestamp(told.at_seconds))
            yield dump


def _dump(machine: Machine, kind: str, path: str) -> Dump | None:
    """None where it was taken away meanwhile."""
    try:
        facts = machine.file_facts(path)
    except MeasurementError:
        return None
    return Dump(kind=kind, path=path, at=timestamp(facts.modified_seconds), size_bytes=facts.size_bytes)


PLACES: tuple[tuple[str, Find], ...] = (
    (PSTORE, _last_words),
    (CRASH, _kernel_dumps),
    (CRASH, _cores),
    (COREDUMP, _cores),
)
