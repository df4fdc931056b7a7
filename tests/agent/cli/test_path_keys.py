"""Keys in front of the live table: views, holding the picture, ending it; the terminal is given back as it was."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import select
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from rich.console import Console

from caseprobe.v1 import path_pb2
from caseprobe_agent.cli.path.screen import LiveView

# Takes its standard input for its controlling terminal, as a shell's child has it, and becomes the command.
IN_FRONT = """import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"""
LOOPBACK_ALLOWED = '[policy.path_target]\ndecision = "allow"\ntargets = ["127.0.0.0/8"]\n'


def drawn(*keys: str) -> str:
    """The last picture of one hop after these keys."""
    out = io.StringIO()
    hop = path_pb2.PathHop(ttl=1, sent=1, received=1, addresses=[bytes(4)], avg_seconds=0.001)
    with LiveView("en", Console(file=out, force_terminal=True, width=150, no_color=True)) as view:
        round_ = path_pb2.PathRound(number=1, sent=[1], replies=[path_pb2.HopReply(ttl=1, rtt_seconds=0.001)])
        view.add(round_, lambda: path_pb2.PathFacts(target="h", hops=[hop]))
        for key in keys:
            view.press(key)
    return out.getvalue()[out.getvalue().rindex("path to") :]


def test_d_goes_through_the_views() -> None:
    """Both, figures alone, bars alone, and both again."""
    assert ("jitter" in drawn("d"), "▁" in drawn("d")) == (True, False)
    assert ("jitter" in drawn("d", "d"), "▁" in drawn("d", "d")) == (False, True)
    assert ("jitter" in drawn("d", "d", "d"), "▁" in drawn("d", "d", "d")) == (True, True)


def read_until(terminal: int, wanted: bytes, seconds: float = 60.0) -> bytes:
    """What a program writes to its terminal, up to and with something; fails where that never comes."""
    text, end = b"", time.monotonic() + seconds
    while wanted not in text:
        assert select.select([terminal], [], [], max(0.0, end - time.monotonic()))[0], text
        text += os.read(terminal, 65_536)
    return text


def test_q_ends_a_live_table_on_a_real_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rounds so far are shown, the exit code is 0, and the terminal echoes as it did."""
    (tmp_path / "agent.toml").write_text(LOOPBACK_ALLOWED)
    monkeypatch.setenv("CASEPROBE_CONFIG_FOLDER", str(tmp_path))
    monkeypatch.setenv("CASEPROBE_STATE_FOLDER", str(tmp_path / "state"))
    monkeypatch.setenv("TERM", "xterm")
    words = ["-m", "caseprobe_agent", "path", "127.0.0.1", "--protocol", "udp", "--interval", "0.1", "--live"]
    terminal, its_end = pty.openpty()
    before = termios.tcgetattr(terminal)
    command = [sys.executable, "-c", IN_FRONT, *words]
    with subprocess.Popen(command, stdin=its_end, stdout=its_end, stderr=its_end, start_new_session=True) as child:
        os.close(its_end)
        read_until(terminal, b"q: end")
        assert termios.tcgetattr(terminal)[3] != before[3]
        os.write(terminal, b"q")
        assert child.wait(20) == 0
    assert termios.tcgetattr(terminal)[3] == before[3]
    os.close(terminal)


async def test_leaving_ends_the_task_that_traces() -> None:
    """q cancels what began the view, and says that it was asked for."""
    view = LiveView("en", Console(file=io.StringIO(), force_terminal=True))
    begun = asyncio.Event()

    async def tracing() -> None:
        view.begin(path_pb2.PathFacts(target="h"))
        begun.set()
        await asyncio.Event().wait()

    with view:
        task = asyncio.create_task(tracing())
        await begun.wait()
        view.press("q")
        with pytest.raises(asyncio.CancelledError):
            await task
    assert view.left
