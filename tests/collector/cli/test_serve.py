"""`serve`: what it loads before machines are served, and how a wrong call ends."""

from __future__ import annotations

import subprocess
import sys

import pytest

from caseprobe_collector.cli import root

# Each is a tenth of a second or more that a thousand machines would wait for after a crash.
LATER = ("fastapi", "jinja2", "pydantic", "rich", "typer", "uvicorn", "caseprobe.checks", "caseprobe.texts")


def test_machines_wait_for_no_console() -> None:
    """Nothing of the console, of the other commands and of the catalogues is loaded before the port is open."""
    script = "import sys, caseprobe_collector.cli.serve, caseprobe_collector.app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "grpc" in loaded
    assert not set(LATER) & set(loaded)


@pytest.mark.parametrize("arguments", [["serve", "--nonsense"], ["serve", "--data-folder"]])
def test_a_wrong_call_is_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong option is told in a line that says where help is, and ends with the code for usage."""
    assert root.run(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "see: caseprobe-collector serve --help" in said.err


def test_the_overview_lists_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever reads the overview finds the command."""
    assert root.run(["--help"]) == 0
    assert "Listen for agents" in capsys.readouterr().out
