"""Rights and tools taken away one by one: what a check then does not know it never calls well."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from caseprobe.checks import ALL as CHECKS
from caseprobe.checks import Check, check_snapshot
from caseprobe.errors import MachineAbsent, MachineDenied, MachineTimeout, MeasurementError
from caseprobe.v1 import finding_pb2, section_pb2, snapshot_pb2
from caseprobe_agent.machine import Completed, Machine
from caseprobe_agent.probes import ALL, PROFILES, with_log_lines
from caseprobe_agent.probes.probe import Probe
from tests.fakes_machine import FakeClock
from tests.machines import golden

READERS: dict[str, list[Check]] = {}
for _check in CHECKS:
    READERS.setdefault(_check.reads, []).append(_check)
# Told beside the facts and never judged: names, labels, sizes of parts, who owns a process or a socket.
ONLY_TOLD = {
    "disks": r"/sys/block/[^/]+(/(device/(model|serial)|serial|dev)|/[^/]+/(dev|size))?",
    "hardware": r".*/(class|device|vendor|board_name|board_vendor|chassis_type)",
    "interfaces": r".*/(address|mtu)",
    "processes": r"/etc/passwd|/proc/stat|/proc/\d+/(status|wchan)",
    "sensors": r".*/(block|name|\w+_label)",
    "settings": r"/proc/sys/.*",
    "sockets": r"/proc/\d+/comm",
    "system": r"/etc/timezone|/proc/1/comm|/proc/cpuinfo|/proc/sys/kernel/(hostname|osrelease)",
}
WITH_TOOLS = [probe for probe in with_log_lines(PROFILES["full"], full=True) if probe not in PROFILES["quick"]]
# Open files without a name are looked for on a machine that runs, not in a copied tree (test_storage_probes).
LIVE_ONLY = {"deleted_files"}


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


MACHINES = ["raid-server", "laptop", "container", "debian-12-vm"]


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("probe", ALL, ids=lambda probe: probe.name)
def test_nothing_is_passed_over_in_silence(name: str, probe: Probe) -> None:
    """Each file and folder denied in turn: other facts come with their reason, and no finding turns into ok."""
    whole, paths = measured(name, probe)
    before = {check.id: len(judged(check, whole)[0]) for check in READERS.get(probe.name, [])}
    for path in paths:
        section, _ = measured(name, probe, path)
        if told_by_another(section, whole):
            continue
        same = getattr(section, probe.name) == getattr(whole, probe.name)
        new = [one for one in section.shortfalls if one not in whole.shortfalls]
        said = new or section.outcome != section_pb2.PROBE_OUTCOME_OK
        assert same or said or re.fullmatch(ONLY_TOLD.get(probe.name, ""), path), path
        for check in READERS.get(probe.name, []):
            findings, coverage = judged(check, section)
            silent = coverage.outcome in (finding_pb2.SEVERITY_OK, finding_pb2.SEVERITY_NOT_APPLICABLE)
            assert not (len(findings) < before[check.id] and silent), (check.id, path)


def told_by_another(section: section_pb2.Section, whole: section_pb2.Section) -> bool:
    """Whether a log was read from another place, which the section names: one place stands in for another."""
    kinds = [one.WhichOneof("facts") for one in (section, whole)]
    if kinds not in (["kernel_log"] * 2, ["system_log"] * 2):
        return False
    sources = [getattr(one, one.probe).source for one in (section, whole)]
    return bool(sources[0]) and sources[0] != sources[1]


def test_no_probe_is_left_out() -> None:
    """Every probe reads something of these machines that can be denied, or rests on a program that can fail."""
    reading = {probe.name for probe in ALL for name in MACHINES if measured(name, probe)[1]}
    with_tools = {probe.name for probe in WITH_TOOLS} - LIVE_ONLY
    assert {probe.name for probe in ALL} - reading - with_tools == LIVE_ONLY


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
    """A machine with one disk, run by systemd and filled by rpm, whose programs all do the same."""

    def __init__(self, root: Path, tool: Callable[[], Completed]) -> None:
        super().__init__(root)
        self.tool = tool

    def exists(self, path: str) -> bool:
        """Every program is there, and every device that one asks."""
        return path.startswith(("/usr/", "/dev/", "/run/systemd/", "/var/lib/rpm")) or super().exists(path)

    def privileged(self) -> bool:
        """As root: only the program fails."""
        return True

    def run(self, command: Sequence[str], timeout_seconds: float, limit_bytes: int = 1 << 20) -> Completed:
        """What the program does, whatever it is asked."""
        return self.tool()


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("probe", WITH_TOOLS, ids=lambda probe: probe.name)
def test_a_tool_that_does_not_work_is_never_ok(probe: Probe, tool: str, tmp_path: Path) -> None:
    """Whatever a program does instead of its work: each check that rests on it says why it cannot judge."""
    (tmp_path / "sys/block/sda").mkdir(parents=True)
    (tmp_path / "sys/block/sda/size").write_text("1000\n")
    machine = ToolMachine(tmp_path, TOOLS[tool])
    section = golden.section_of(probe, machine, FakeClock(machine.wall_seconds(), machine.boottime_seconds()))
    for check in READERS.get(probe.name, []):
        _, coverage = judged(check, section)
        assert coverage.outcome in (finding_pb2.SEVERITY_UNKNOWN, finding_pb2.SEVERITY_NOT_APPLICABLE), check.id
        assert coverage.reason
