"""Golden machines: copied trees of /proc, /sys and /etc, and everything that is measured and judged of them.

`python -m tests.machines.golden expect NAME…` writes expected.json anew; read its difference before it is committed.
`python -m tests.machines.golden record NAME` copies what the probes read of this machine; look for names, addresses
and serials in it before it is committed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict

from caseprobe.checks import check_snapshot
from caseprobe.errors import MeasurementError
from caseprobe.v1 import finding_pb2, section_pb2, snapshot_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes import ALL
from caseprobe_agent.probes.probe import Measured, Probe, needs_of, outcome_of
from caseprobe_agent.snapshot.child import measure_function, sample_function
from tests.fakes_machine import FakeClock

FOLDER = Path(__file__).parent
EXPECTED = "expected.json"


def names() -> list[str]:
    """Every golden machine."""
    return sorted(path.parent.name for path in FOLDER.glob(f"*/{EXPECTED}"))


def root_of(name: str) -> Path:
    """The copied tree of a machine."""
    return FOLDER / name / "root"


def section_of(probe: Probe, machine: Machine, clock: FakeClock) -> section_pb2.Section:
    """What a probe measures of a tree, with half a second between its samples."""
    section = section_pb2.Section(probe=probe.name, outcome=section_pb2.PROBE_OUTCOME_OK)
    try:
        earlier = sample_function(probe.sample)(machine) if probe.sample else None
        clock.advance(0.5)
        _fill(section, measure_function(probe.measure)(machine, earlier))
    except (MeasurementError, ValueError, ArithmeticError) as error:
        section.Clear()
        section.probe, section.outcome = probe.name, outcome_of(error)
        section.reason, section.needs = str(error), needs_of(error)
    return section


def _fill(section: section_pb2.Section, measured: Measured) -> None:
    getattr(section, section.probe).CopyFrom(measured.facts)
    section.lines.extend(measured.lines)
    section.shortfalls.extend(measured.shortfalls)


def snapshot_of(root: Path) -> snapshot_pb2.Snapshot:
    """All sections of a tree."""
    told = Machine(root)
    clock = FakeClock(told.wall_seconds(), told.boottime_seconds())
    machine = Machine(root, clock.clock())
    return snapshot_pb2.Snapshot(sections=[section_of(probe, machine, clock) for probe in ALL])


def measured_of(root: Path) -> Mapping[str, Any]:
    """Everything that is expected of a tree: sections as JSON, and what the checks find in them."""
    snapshot = snapshot_of(root)
    findings, _ = check_snapshot(snapshot)
    return {
        "findings": sorted(_finding(finding) for finding in findings),
        "sections": {
            section.probe: MessageToDict(section, preserving_proto_field_name=True) for section in snapshot.sections
        },
    }


def _finding(finding: finding_pb2.Finding) -> str:
    """Severity, check and object in one line."""
    severity = finding_pb2.Severity.Name(finding.state).removeprefix("SEVERITY_").lower()
    return f"{severity} {finding.check_id} {finding.object}".rstrip()


def expect(name: str) -> None:
    """Write down what is measured of a machine now."""
    text = json.dumps(measured_of(root_of(name)), indent=1, sort_keys=True, ensure_ascii=False)
    (FOLDER / name / EXPECTED).write_text(text + "\n")


class RecordingMachine(Machine):
    """This machine, and a copy of everything that is read of it."""

    def __init__(self, copy: Path) -> None:
        """copy: the tree that grows."""
        super().__init__()
        self.copy = copy

    def read_bytes(self, path: str, limit_bytes: int = 1 << 20) -> bytes:
        """As Machine.read_bytes."""
        return self._keep(path, super().read_bytes(path, limit_bytes))

    def read_tail(self, path: str, limit_bytes: int) -> tuple[bytes, bool]:
        """As Machine.read_tail."""
        data, truncated = super().read_tail(path, limit_bytes)
        return self._keep(path, data), truncated

    def list_dir(self, path: str) -> list[str]:
        """As Machine.list_dir; what is only listed stays an empty file."""
        found = super().list_dir(path)
        for name in found:
            if not os.path.lexists(self._place(f"{path}/{name}")):
                self._keep(f"{path}/{name}", b"")
        return found

    def read_link(self, path: str) -> str:
        """As Machine.read_link."""
        target = super().read_link(path)
        place = self._place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(target)
        return target

    def _place(self, path: str) -> Path:
        return self.copy / path.lstrip("/")

    def _keep(self, path: str, data: bytes) -> bytes:
        place = self._place(path)
        for parent in reversed(place.relative_to(self.copy).parents):
            folder = self.copy / parent
            if folder.is_file():
                folder.unlink()
            folder.mkdir(exist_ok=True)
        if not place.is_dir():
            place.write_bytes(data)
        return data


def record(name: str) -> None:
    """Copy what all probes read of this machine, and what no file tells."""
    root = root_of(name)
    root.mkdir(parents=True)
    machine = RecordingMachine(root)
    clock = FakeClock()
    sections = [section_of(probe, machine, clock) for probe in ALL]
    points = [f.mount_point for section in sections for f in section.filesystems.filesystems]
    told = {
        "architecture": machine.architecture(),
        "page_bytes": machine.page_bytes(),
        "ticks_per_second": machine.ticks_per_second(),
        "utc_offset_seconds": machine.utc_offset_seconds(),
        "privileged": machine.privileged(),
        "wall_seconds": machine.wall_seconds(),
        "boottime_seconds": machine.boottime_seconds(),
        "addresses": [[a.interface, a.address, a.prefix_length] for a in machine.addresses()],
        "statvfs": {
            p: vars(space) for p, space in machine.spaces(points, 1.0).items() if not isinstance(space, Exception)
        },
    }
    (root / "psutil.json").write_text(json.dumps(told, indent=1) + "\n")


def main(arguments: Sequence[str]) -> None:
    """expect or record, then names."""
    work = {"expect": expect, "record": record}[arguments[0]]
    for name in arguments[1:]:
        work(name)


if __name__ == "__main__":
    main(sys.argv[1:])
