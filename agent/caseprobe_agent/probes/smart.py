"""What every disk tells about itself, asked by smartctl. A disk that sleeps is left asleep."""

from __future__ import annotations

import re

from caseprobe.errors import MachineAbsent, MachineDenied, MachineTimeout, MeasurementError
from caseprobe.parse.smart import parse_report
from caseprobe.v1 import section_pb2
from caseprobe.v1 import section_smart_pb2 as smart
from caseprobe_agent.machine import Completed, Machine
from caseprobe_agent.machine.disk_reports import (
    ALL_SECONDS,
    DISK_SECONDS,
    REPORT_BYTES,
    disks,
    questions,
    smartctl,
    understood,
)
from caseprobe_agent.machine.reads import ADVICE, Read
from caseprobe_agent.probes.probe import Measured, Notes

# smartctl's exit status is a set of bits: the device could not be opened or sleeps.
BIT_NOT_OPENED = 2
ASLEEP = re.compile(r"in (STANDBY|SLEEP)[^,]* mode", re.IGNORECASE)


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """A report of every disk of its own; absent where all disks are virtual or there is none."""
    names, program = disks(machine), smartctl(machine)
    if not machine.may(Read.DISKS):
        raise MachineDenied(f"disks tell about themselves to root only; {ADVICE} it")
    notes, facts = Notes(), smart.SmartFacts()
    end = machine.monotonic_seconds() + ALL_SECONDS
    for name in names:
        try:
            facts.disks.append(_ask(machine, program, name, end))
        except (MeasurementError, ValueError) as error:
            notes.shortfalls.append(_shortfall(name, error))
    return notes.measured(facts)


def _ask(machine: Machine, program: str, name: str, end: float) -> smart.SmartDisk:
    """One disk: as JSON where this smartctl knows it, else as text."""
    for command in questions(program, name):
        left = end - machine.monotonic_seconds()
        if left <= 0:
            raise MachineTimeout(f"was not asked: the {ALL_SECONDS:g} s for all disks were used up")
        completed = machine.run(command, min(DISK_SECONDS, left), REPORT_BYTES)
        if understood(command, completed):
            return _parsed(completed, name, " ".join(("smartctl", *command[1:])))
    raise MeasurementError("smartctl knows neither JSON nor text")


def _parsed(completed: Completed, name: str, source: str) -> smart.SmartDisk:
    """The report, or the error that stands for why there is none."""
    if completed.truncated:
        raise MeasurementError(f"smartctl printed more than {REPORT_BYTES >> 20} MiB and was stopped")
    text = completed.stdout.decode("utf-8", "replace")
    if completed.exit_code & BIT_NOT_OPENED and (asleep := ASLEEP.search(text)):
        raise _Asleep(f"sleeps ({asleep[1].lower()}) and was not woken")
    if "Permission denied" in text:
        raise MachineDenied("smartctl may not open it; run as root to include it")
    try:
        disk = parse_report(text, name, source)
    except ValueError as error:
        raise MeasurementError(_why(text) or str(error)) from error
    # The file that --json names is the device; the name is the kernel's.
    disk.name = name
    return disk


def _why(text: str) -> str:
    """What smartctl itself says where it gave no report."""
    wanted = re.search(r'"string": "((?:[^"\\]|\\.){1,300})"|^((?:Smartctl|/dev/|Unable|Read)[^\n]{1,300})', text, re.M)
    return (wanted[1] or wanted[2]).replace("\\n", " ") if wanted else ""


class _Asleep(MeasurementError):
    """The disk rests."""


def _shortfall(name: str, error: Exception) -> section_pb2.Shortfall:
    """Why one disk is missing, as a part of the section."""
    notes = Notes()
    notes.lack("smart.disks", error)
    shortfall = notes.shortfalls[0]
    shortfall.reason = f"{name}: {error}"
    if isinstance(error, _Asleep):
        shortfall.outcome = section_pb2.PROBE_OUTCOME_SKIPPED
    elif isinstance(error, MachineAbsent):
        # The disk is there, so that the one who should ask it is missing.
        shortfall.outcome = section_pb2.PROBE_OUTCOME_FAILED
    return shortfall
