"""What every disk tells about itself, asked by smartctl. A disk that sleeps is left asleep."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from caseprobe.errors import MachineAbsent, MachineDenied, MachineTimeout, MeasurementError
from caseprobe.parse.smart import parse_report
from caseprobe.v1 import section_pb2
from caseprobe.v1 import section_smart_pb2 as smart
from caseprobe_agent.machine import Completed, Machine
from caseprobe_agent.probes.probe import Measured, Notes, names_in, number_of, value_of

SMARTCTL = ("/usr/sbin/smartctl", "/usr/bin/smartctl", "/sbin/smartctl", "/usr/local/sbin/smartctl")
PACKAGE = "smartmontools"
# standby: a disk that sleeps is not woken; x: everything that it tells.
QUESTION = ("-n", "standby", "-x")
JSON = "--json"
BLOCK = "/sys/block"
# SATA, SCSI and NVMe disks; eMMC, RAID arrays and what is built on disks do not speak to smartctl.
DISK = re.compile(r"(sd[a-z]{1,4}|hd[a-z]|nvme\d{1,3}n\d{1,3})")
NAMESPACE = re.compile(r"(nvme\d+)n\d+")
VIRTUAL_DISK = re.compile(r"(vd|xvd)[a-z]{1,4}")
VIRTUAL_MODELS = ("QEMU", "VMware", "VBOX", "Virtual", "Msft", "Google", "PersistentDisk", "Amazon Elastic Block Store")
DISK_SECONDS, ALL_SECONDS = 10.0, 50.0
REPORT_BYTES = 4 << 20
# smartctl's exit status is a set of bits: the command line was wrong, the device could not be opened or sleeps.
# The others (from 2 on: a command failed, the disk is failing …) come with a report.
BIT_USAGE, BIT_NOT_OPENED = 1, 2
ASLEEP = re.compile(r"in (STANDBY|SLEEP)[^,]* mode", re.IGNORECASE)


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """A report of every disk of its own; absent where all disks are virtual or there is none."""
    names, program = _disks(machine), _program(machine)
    if not machine.privileged():
        raise MachineDenied("disks tell about themselves to root only; run as root to include it")
    notes, facts = Notes(), smart.SmartFacts()
    end = machine.monotonic_seconds() + ALL_SECONDS
    for name in names:
        try:
            facts.disks.append(_ask(machine, program, name, end))
        except (MeasurementError, ValueError) as error:
            notes.shortfalls.append(_shortfall(name, error))
    return notes.measured(facts)


def _disks(machine: Machine) -> list[str]:
    """Names of the disks that can be asked; raises MachineAbsent with the reason where none can."""
    known = [name for name in names_in(machine, BLOCK) if number_of(machine, f"{BLOCK}/{name}/size")]
    disks = [name for name in known if DISK.fullmatch(name) and not _is_virtual(machine, name)]
    if not disks:
        virtual = [name for name in known if VIRTUAL_DISK.fullmatch(name) or _is_virtual(machine, name)]
        if virtual:
            listed = ", ".join(virtual[:5])
            raise MachineAbsent(f"the disks of this machine are virtual ({listed}): the host has the real ones")
        raise MachineAbsent("this machine has no SATA, SCSI or NVMe disk")
    return list(_one_a_drive(disks))


def _is_virtual(machine: Machine, name: str) -> bool:
    names = (value_of(machine, f"{BLOCK}/{name}/device/{file}") or "" for file in ("vendor", "model"))
    told = " ".join(names)
    return any(word in told for word in VIRTUAL_MODELS)


def _one_a_drive(names: Sequence[str]) -> Iterator[str]:
    """Namespaces of one NVMe drive give the same report; the first is asked."""
    seen = set()
    for name in names:
        namespace = NAMESPACE.fullmatch(name)
        drive = namespace[1] if namespace else name
        if drive not in seen:
            seen.add(drive)
            yield name


def _program(machine: Machine) -> str:
    program = next((path for path in SMARTCTL if machine.exists(path)), None)
    if program is None:
        raise MachineAbsent(f"smartctl is not installed (package {PACKAGE})", needs=PACKAGE)
    return program


def _ask(machine: Machine, program: str, name: str, end: float) -> smart.SmartDisk:
    """One disk: as JSON where this smartctl knows it, else as text."""
    device = f"/dev/{name}"
    for form in ((JSON,), ()):
        left = end - machine.monotonic_seconds()
        if left <= 0:
            raise MachineTimeout(f"was not asked: the {ALL_SECONDS:g} s for all disks were used up")
        command = (program, *QUESTION, *form, device)
        completed = machine.run(command, min(DISK_SECONDS, left), REPORT_BYTES)
        if not form or not _not_known(completed):
            return _parsed(completed, name, " ".join(("smartctl", *command[1:])))
    raise MeasurementError("smartctl knows neither JSON nor text")


def _not_known(completed: Completed) -> bool:
    """True where the options are not known: smartctl before 7.0 has no JSON."""
    return bool(completed.exit_code & BIT_USAGE) and not completed.stdout.lstrip().startswith(b"{")


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
