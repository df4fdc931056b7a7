"""`caseprobe diff A B`: what changed, for people and for programs."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from caseprobe.bundle import write_bundle
from caseprobe.v1 import finding_pb2, section_pb2
from caseprobe_agent.cli import main
from tests import fakes_sections as fakes


def bundle(path: Path, release: str, machine: str = "agent_1", tainted: bool = False) -> str:
    """A bundle of a machine with this kernel; its name."""
    made = fakes.judged(fakes.section("system", system=section_pb2.SystemFacts(kernel_release=release)))
    made.agent_id = machine
    if tainted:
        made.findings.add(check_id="system.taint", object=f"<{release}>", state=finding_pb2.SEVERITY_WARN)
        made.coverage.add(check_id="system.taint", outcome=finding_pb2.SEVERITY_WARN)
    else:
        made.coverage.add(check_id="system.taint", outcome=finding_pb2.SEVERITY_OK)
    stream = io.BytesIO()
    write_bundle(stream, made, {}, "<html></html>", None)
    path.write_bytes(stream.getvalue())
    return str(path)


def test_changes_are_told_to_people_and_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line a change; with --json one document."""
    old, new = bundle(tmp_path / "a.zip", "6.1"), bundle(tmp_path / "b.zip", "6.5")
    assert main(["diff", old, new]) == 0
    assert "System: kernel release 6.1 → 6.5" in capsys.readouterr().out
    assert main(["diff", old, new, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    [change] = document["changes"]
    assert (change["section"], change["field"], change["change"]) == ("system", "kernel_release", "changed")
    assert (change["before"], change["after"]) == ("6.1", "6.5")
    assert main(["diff", old, old]) == 0
    assert "Nothing that is measured in both" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [["diff", "{good}", "{bad}"], ["show", "{bad}"], ["verify", "{bad}"], ["check", "--bundle", "{bad}"]]
)
def test_the_file_that_is_no_bundle_is_named(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of two files the line says which one is wrong, and what to do."""
    bad = tmp_path / "holiday.jpg"
    bad.write_bytes(b"\xff\xd8\xff\xe0" * 50)
    names = {"{good}": bundle(tmp_path / "a.zip", "6.1"), "{bad}": str(bad)}
    assert main([names.get(word, word) for word in words]) == 3
    assert f"{bad}: this is not a caseprobe bundle" in capsys.readouterr().err


def test_two_machines_are_not_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything would differ, and nothing would have changed."""
    old, other = bundle(tmp_path / "a.zip", "6.1"), bundle(tmp_path / "b.zip", "6.5", "agent_2")
    assert main(["diff", old, other]) == 2
    assert "two machines" in capsys.readouterr().err


def test_findings_that_came_and_went_stand_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A new one and, the other way round, one that is gone; in the terminal and in the document."""
    old, new = bundle(tmp_path / "a.zip", "6.1"), bundle(tmp_path / "b.zip", "6.5", tainted=True)
    assert main(["diff", old, new]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[1].strip().startswith("new finding: Warning")
    assert main(["diff", new, old, "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert [one["check_id"] for one in findings["gone"]] == ["system.taint"]
    assert findings["new"] == []


def test_the_page_stands_alone_and_takes_no_markup_from_a_machine(tmp_path: Path) -> None:
    """Every name of the machine is escaped; nothing is loaded, no script runs."""
    page = tmp_path / "changes.html"
    old, new = bundle(tmp_path / "a.zip", "6.1"), bundle(tmp_path / "b.zip", "<script>6.5", tainted=True)
    assert main(["diff", old, new, "--html", str(page)]) == 0
    text = page.read_text("utf-8")
    assert "&lt;script&gt;6.5" in text
    assert "<script" not in text
    assert "default-src &#x27;none&#x27;" in text
    assert "New findings" in text


def test_a_page_that_cannot_be_written_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, the exit code of a wrong argument."""
    old = bundle(tmp_path / "a.zip", "6.1")
    assert main(["diff", old, old, "--html", str(tmp_path / "none" / "page.html")]) == 2
    assert "--html" in capsys.readouterr().err
