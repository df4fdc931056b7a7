"""Which disks smartctl can be asked about, and the questions: for the probe and for the privileged reader alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from caseprobe.errors import MachineAbsent, MeasurementError
from caseprobe_agent.machine import Completed, Machine

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
# smartctl's exit status is a set of bits. This one: the command line was wrong. Those from 4 on (a command failed, the
# disk is failing …) come with a report.
BIT_USAGE = 1


def disks(machine: Machine) -> list[str]:
    """Names of the disks that can be asked; raises MachineAbsent with the reason where none can."""
    known = [name for name in _names(machine) if _value(machine, name, "size") not in ("", "0")]
    found = [name for name in known if DISK.fullmatch(name) and not _is_virtual(machine, name)]
    if not found:
        virtual = [name for name in known if VIRTUAL_DISK.fullmatch(name) or _is_virtual(machine, name)]
        if virtual:
            listed = ", ".join(virtual[:5])
            raise MachineAbsent(f"the disks of this machine are virtual ({listed}): the host has the real ones")
        raise MachineAbsent("this machine has no SATA, SCSI or NVMe disk")
    return list(_one_a_drive(found))


def smartctl(machine: Machine) -> str:
    """Where the program is; raises MachineAbsent."""
    program = next((path for path in SMARTCTL if machine.exists(path)), None)
    if program is None:
        raise MachineAbsent(f"smartctl is not installed (package {PACKAGE})", needs=PACKAGE)
    return program


def questions(program: str, name: str) -> Iterator[tuple[str, ...]]:
    """The commands about one disk, to be run in turn until one is understood: as JSON, then as text."""
    for form in ((JSON,), ()):
        yield (program, *QUESTION, *form, f"/dev/{name}")


def understood(command: Sequence[str], completed: Completed) -> bool:
    """False where the options are not known: smartctl before 7.0 has no JSON."""
    told = not completed.exit_code & BIT_USAGE or completed.stdout.lstrip().startswith(b"{")
    return told or JSON not in command


def _names(machine: Machine) -> list[str]:
    try:
        return machine.list_dir(BLOCK)
    except MeasurementError:
        return []


def _value(machine: Machine, name: str, file: str) -> str:
    try:
        return machine.read_text(f"{BLOCK}/{name}/{file}", 1 << 10).strip()
    except MeasurementError:
        return ""


def _is_virtual(machine: Machine, name: str) -> bool:
    told = " ".join(_value(machine, name, f"device/{file}") for file in ("vendor", "model"))
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
