"""`caseprobe diff A B`: what changed, for people and for programs."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from caseprobe.bundle import write_bundle
from caseprobe.v1 import section_pb2
from caseprobe_agent.cli import main
from tests import fakes_sections as fakes


def bundle(path: Path, release: str, machine: str = "agent_1") -> str:
    """A bundle of a machine with this kernel; its name."""
    made = fakes.judged(fakes.section("system", system=section_pb2.SystemFacts(kernel_release=release)))
    made.agent_id = machine
    stream = io.BytesIO()
    write_bundle(stream, made, {}, "<html></html>", None)
    path.write_bytes(stream.getvalue())
    return str(path)


def test_changes_are_told_to_people_and_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line a change; with --json one document."""
    old, new = bundle(tmp_path / "a.zip", "6.1"), bundle(tmp_path / "b.zip", "6.5")
    assert main(["diff", old, new]) == 0
    assert "system: kernel release 6.1 → 6.5" in capsys.readouterr().out
    assert main(["diff", old, new, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    [change] = document["changes"]
    assert (change["section"], change["field"], change["change"]) == ("system", "kernel_release", "changed")
    assert (change["before"], change["after"]) == ("6.1", "6.5")
    assert main(["diff", old, old]) == 0
    assert "nothing" in capsys.readouterr().out


def test_two_machines_are_not_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything would differ, and nothing would have changed."""
    old, other = bundle(tmp_path / "a.zip", "6.1"), bundle(tmp_path / "b.zip", "6.5", "agent_2")
    assert main(["diff", old, other]) == 2
    assert "two machines" in capsys.readouterr().err
