"""Whole machines as copied trees: what is measured and judged of each, also when any one of its files is broken."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from caseprobe.v1 import section_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes import ALL
from caseprobe_agent.snapshot import take_snapshot
from tests.machines import golden

MACHINES = golden.names()


def test_there_are_machines() -> None:
    """Real and hand-made ones: a virtual machine, a server, a laptop, a container, a small board."""
    assert MACHINES == ["container", "debian-12-vm", "laptop", "raid-server", "raspberry-pi"]


@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_is_measured_and_judged_as_expected(name: str) -> None:
    """Every section with its lines and shortfalls, and what the checks find in it."""
    expected = json.loads((golden.FOLDER / name / golden.EXPECTED).read_text())
    measured = json.loads(json.dumps(golden.measured_of(golden.root_of(name))))
    assert measured["findings"] == expected["findings"]
    for probe in ALL:
        assert measured["sections"][probe.name] == expected["sections"][probe.name], probe.name


def test_what_nobody_asked_for_is_not_there() -> None:
    """The environment of a container's first process holds secrets; only the word "container" is looked for in it."""
    assert "hunter2" in (golden.root_of("container") / "proc/1/environ").read_text()
    assert "hunter2" not in str(golden.snapshot_of(golden.root_of("container")))


@pytest.mark.parametrize("name", MACHINES)
async def test_a_tree_is_measured_in_a_child_too(name: str) -> None:
    """The worker takes the same tree and ends every probe in the same way."""
    root = golden.root_of(name)
    taken = await take_snapshot(ALL, Machine(root), 30.0, "quick")
    outcomes = [(section.probe, section.outcome, section.reason) for section in taken.snapshot.sections]
    assert outcomes == [(s.probe, s.outcome, s.reason) for s in golden.snapshot_of(root).sections]


def a_pipe(path: Path) -> None:
    """Nobody writes into it."""
    path.unlink()
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    """Where a file should be."""
    path.unlink()
    path.mkdir()


def a_loop(path: Path) -> None:
    """A link to itself."""
    path.unlink()
    path.symlink_to(path.name)


def noise(path: Path) -> None:
    """No text at all."""
    path.unlink()
    path.write_bytes(bytes(range(256)) * 40)


def a_huge_line(path: Path) -> None:
    """Longer than any limit."""
    path.unlink()
    path.write_bytes(b"9" * (3 << 20))


def huge_numbers(path: Path) -> None:
    """Every number too big for any field."""
    text = path.read_text(errors="replace")
    path.unlink()
    path.write_text("".join(c * 30 if c.isdigit() else c for c in text))


def nothing(path: Path) -> None:
    """An empty file."""
    path.unlink()
    path.write_bytes(b"")


def gone(path: Path) -> None:
    """Ended, unplugged, unmounted."""
    path.unlink()


def half(path: Path) -> None:
    """Cut in its middle."""
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[: len(data) // 2])


FAULTS: tuple[Callable[[Path], None], ...] = (
    a_pipe,
    a_folder,
    a_loop,
    noise,
    a_huge_line,
    huge_numbers,
    nothing,
    gone,
    half,
)


def sources(root: Path) -> Iterator[Path]:
    """Every file that a probe reads, but not the replayed calls, which are our own."""
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.name != "psutil.json" and path.stat().st_size:
            yield path.relative_to(root)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_one_broken_file_costs_one_section(fault: Callable[[Path], None], tmp_path: Path) -> None:
    """Whatever happens to one file, every probe ends, with a reason of ours where it could not measure."""
    root = tmp_path / "root"
    shutil.copytree(golden.root_of("raid-server"), root, symlinks=True)
    places = list(sources(root))
    # Other files for each fault: together each is broken in one way.
    for place in places[FAULTS.index(fault) :: len(FAULTS)]:
        kept = (root / place).read_bytes()
        fault(root / place)
        sections = golden.snapshot_of(root).sections
        assert len(sections) == len(ALL)
        bad = [section.probe for section in sections if section.outcome == section_pb2.PROBE_OUTCOME_FAILED]
        assert len(bad) <= 2, (place, bad)
        _restore(root / place, kept)


def _restore(path: Path, data: bytes) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
    path.write_bytes(data)
