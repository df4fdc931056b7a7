"""Services: every unit with its state, and the last lines of those in trouble. Asks systemd's own programs."""

from __future__ import annotations

from caseprobe.errors import MachineAbsent, MeasurementError
from caseprobe.parse.systemctl import PROPERTIES, parse_last_lines, parse_units
from caseprobe.v1.section_host_pb2 import ServicesFacts
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, timestamp

RUNNING = "/run/systemd/system"  # exists where systemd is the first process, sd_booted(3)
SYSTEMCTL = ("/usr/bin/systemctl", "/bin/systemctl")
STATE = ("is-system-running",)
SHOW = ("show", "--all", "--no-pager", f"--property={','.join(PROPERTIES)}", "*")
STATUS = ("status", "--no-pager", "--full", "--lines=20", "--output=short-iso", "--state=failed,auto-restart", "*")
UNITS_AT_MOST, TROUBLED_AT_MOST = 1000, 20
SHOW_BYTES, STATUS_BYTES, PROGRAM_SECONDS = 8 << 20, 1 << 20, 5.0
STATES = ("running", "degraded", "starting", "initializing", "maintenance", "stopping")


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """Units and their states; no line of any log."""
    return _measure(machine, lines=False)


def measure_with_lines(machine: Machine, _earlier: object | None) -> Measured:
    """The same, and the last 20 lines of each unit in trouble."""
    return _measure(machine, lines=True)


def _measure(machine: Machine, lines: bool) -> Measured:
    if not machine.exists(RUNNING):
        raise MachineAbsent("systemd does not run this machine")
    program = next((path for path in SYSTEMCTL if machine.exists(path)), None)
    if program is None:
        raise MachineAbsent("systemctl is not installed")
    notes = Notes()
    facts = ServicesFacts(manager="systemd", measured_at=timestamp(machine.wall_seconds()))
    facts.state = _run(machine, program, *STATE, limit_bytes=1024).strip()
    if not facts.state:
        raise MeasurementError("systemd tells this user nothing: there is no message bus, or it does not answer")
    if facts.state not in STATES:
        raise MachineAbsent(f"systemd does not answer for this machine (it says {facts.state[:40]!r})")
    booted = machine.wall_seconds() - machine.monotonic_seconds()
    told = _run(machine, program, *SHOW, limit_bytes=SHOW_BYTES)
    facts.units.extend(parse_units(told, UNITS_AT_MOST, booted))
    if not facts.units:
        raise MeasurementError("systemctl show names no unit")
    if lines:
        _add_lines(facts, machine, program, notes)
    return notes.measured(facts)


def _run(machine: Machine, program: str, *arguments: str, limit_bytes: int) -> str:
    completed = machine.run((program, *arguments), PROGRAM_SECONDS, limit_bytes)
    return completed.stdout.decode("utf-8", "replace")


def _add_lines(facts: ServicesFacts, machine: Machine, program: str, notes: Notes) -> None:
    troubled = [unit for unit in facts.units if unit.state == "failed" or unit.sub_state == "auto-restart"]
    if not troubled:
        return
    text = notes.attempt("services.last_lines", lambda: _run(machine, program, *STATUS, limit_bytes=STATUS_BYTES))
    told = parse_last_lines(text or "")
    for unit in troubled[:TROUBLED_AT_MOST]:
        unit.last_lines.extend(line.strip()[:1000] for line in told.get(unit.name, ()))
