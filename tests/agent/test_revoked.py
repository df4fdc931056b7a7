"""Rights and tools taken away one by one: what a check then does not know it never calls well."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from caseprobe.checks import ALL as CHECKS
from caseprobe.checks import Check, check_snapshot
from caseprobe.errors import MachineAbsent, MachineDenied, MachineTimeout, MeasurementError
from caseprobe.v1 import finding_pb2, section_pb2, snapshot_pb2
from caseprobe_agent.machine import Completed, Machine
from caseprobe_agent.probes import ALL, PROFILES
from caseprobe_agent.probes.probe import Probe
from tests.fakes_machine import FakeClock
from tests.machines import golden

READERS: dict[str, list[Check]] = {}
for _check in CHECKS:
    READERS.setdefault(_check.reads, []).append(_check)
# Of the kernel's log one source stands in for another one; processes come and go while they are looked at.
FILES = [probe for probe in ALL if probe.name not in ("cpu", "kernel_log", "system_log", "processes")]
WITH_TOOLS = [probe for probe in PROFILES["full"] if probe not in ALL]


class Watched(Machine):
    """A copied tree that notes what is read of it, and denies one path."""

    def __init__(self, root: Path, clock: FakeClock, denied: str = "") -> None:
        super().__init__(root, clock.clock())
        self.denied = denied
        self.read: dict[str, None] = {}

    def read_bytes(self, path: str, limit_bytes: int = 1 << 20) -> bytes:
        """As Machine.read_bytes, but for the denied path."""
        self._watch(path)
        return super().read_bytes(path, limit_bytes)

    def read_tail(self, path: str, limit_bytes: int) -> tuple[bytes, bool]:
        """As Machine.read_tail, but for the denied path."""
        self._watch(path)
        return super().read_tail(path, limit_bytes)

    def list_dir(self, path: str) -> list[str]:
        """As Machine.list_dir, but for the denied path."""
        self._watch(path)
        return super().list_dir(path)

    def _watch(self, path: str) -> None:
        self.read[path] = None
        if path == self.denied:
            raise MachineDenied(f"{path} may not be read")


def measured(name: str, probe: Probe, denied: str = "") -> tuple[section_pb2.Section, list[str]]:
    """A probe's section of a machine, and what was read for it."""
    root = golden.root_of(name)
    told = Machine(root)
    clock = FakeClock(told.wall_seconds(), told.boottime_seconds())
    machine = Watched(root, clock, denied)
    return golden.section_of(probe, machine, clock), list(machine.read)


def judged(check: Check, section: section_pb2.Section) -> tuple[list[finding_pb2.Finding], finding_pb2.Coverage]:
    """What a check says of a section."""
    findings, [coverage] = check_snapshot(snapshot_pb2.Snapshot(sections=[section]), [check])
    return findings, coverage


@pytest.mark.parametrize("name", ["raid-server", "laptop"])
@pytest.mark.parametrize("probe", FILES, ids=lambda probe: probe.name)
def test_a_finding_never_turns_into_ok(name: str, probe: Probe) -> None:
    """Each file and folder denied in turn: a fault that was found is still found, or the check says why it cannot."""
    whole, paths = measured(name, probe)
    before = {check.id: judged(check, whole) for check in READERS.get(probe.name, [])}
    for path in paths:
        section, _ = measured(name, probe, path)
        for check in READERS.get(probe.name, []):
            _, coverage = judged(check, section)
            lost = len(judged(check, section)[0]) < len(before[check.id][0])
            silent = coverage.outcome in (finding_pb2.SEVERITY_OK, finding_pb2.SEVERITY_NOT_APPLICABLE)
            assert not (lost and silent), (check.id, path)


def fails_with(error: MeasurementError) -> Callable[[], Completed]:
    """A program that cannot be run to its end."""

    def run() -> Completed:
        raise error

    return run


def prints(data: bytes, code: int = 0) -> Callable[[], Completed]:
    """A program that prints this."""
    return lambda: Completed(code, data, b"", False)


TOOLS = {
    "not there": fails_with(MachineAbsent("no such program")),
    "not allowed": fails_with(MachineDenied("may not be run")),
    "hangs": fails_with(MachineTimeout("was killed")),
    "prints nothing": prints(b""),
    "fails": prints(b"", 1),
    "prints bytes": prints(bytes(range(256)) * 20),
    "is cut off": prints(b'{"a": [{"b"'),
    "speaks another language": prints("Vorgang nicht zulässig\nZugriff verweigert: 拒绝访问\n".encode(), 1),
    "prints too much": prints(b"[[[[[[[[" * 5000),
}


class ToolMachine(Machine):
    """A machine without any file, whose programs all do the same."""

    def __init__(self, root: Path, tool: Callable[[], Completed]) -> None:
        super().__init__(root)
        self.tool = tool

    def exists(self, path: str) -> bool:
        """Every program is there, and every device that one asks."""
        return path.startswith(("/usr/", "/dev/")) or super().exists(path)

    def run(self, command: Sequence[str], timeout_seconds: float, limit_bytes: int = 1 << 20) -> Completed:
        """What the program does, whatever it is asked."""
        return self.tool()


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("probe", WITH_TOOLS, ids=lambda probe: probe.name)
def test_a_tool_that_does_not_work_is_never_ok(probe: Probe, tool: str, tmp_path: Path) -> None:
    """Whatever a program does instead of its work: each check that rests on it says why it cannot judge."""
    machine = ToolMachine(tmp_path, TOOLS[tool])
    section = golden.section_of(probe, machine, FakeClock(machine.wall_seconds(), machine.boottime_seconds()))
    for check in READERS.get(probe.name, []):
        _, coverage = judged(check, section)
        assert coverage.outcome in (finding_pb2.SEVERITY_UNKNOWN, finding_pb2.SEVERITY_NOT_APPLICABLE), check.id
        assert coverage.reason
