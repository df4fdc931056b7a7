"""Marks before and after a reproduction: in the machine's log, in the state folder, and as the time of a bundle."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.errors import Corrupt, UsageError
from caseprobe_agent import cli
from caseprobe_agent.app.marks import BEGIN, END, KEPT_AT_MOST, Mark, Marks, cleaned
from caseprobe_agent.machine.log_socket import write_line


def mark(kind: str, at: float, boottime: float | None = None, text: str = "") -> Mark:
    """A mark of one boot."""
    return Mark(kind, text, at, at if boottime is None else boottime, "boot")


def marked(folder: Path, now: float = 1000.0) -> tuple[float, float]:
    """The time between marks."""
    found = Marks(folder).marked(lambda kind: mark(kind, now))
    return found.from_at, found.to_at


def test_the_time_between_the_last_two_marks_is_meant(tmp_path: Path) -> None:
    """With two seconds around them; what was begun and not ended goes on until now."""
    kept = Marks(tmp_path / "s")
    with pytest.raises(UsageError, match="nothing is marked"):
        marked(tmp_path / "s")
    kept.add(mark(BEGIN, 100))
    assert marked(tmp_path / "s") == (98, 1002)
    kept.add(mark(END, 200))
    assert marked(tmp_path / "s") == (98, 202)
    kept.add(mark(BEGIN, 300))
    kept.add(mark(END, 350))
    assert marked(tmp_path / "s") == (298, 352)
    assert (tmp_path / "s" / "marks.json").stat().st_mode & 0o777 == 0o600


def test_an_end_alone_is_no_time(tmp_path: Path) -> None:
    """Whoever says --end first is told to give the time."""
    Marks(tmp_path / "s").add(mark(END, 200))
    with pytest.raises(UsageError, match="--from"):
        marked(tmp_path / "s")


def test_a_clock_that_was_set_between_two_marks_hides_no_line(tmp_path: Path) -> None:
    """Lines before it was set back an hour tell the one time, those behind it the other: both are meant."""
    kept = Marks(tmp_path / "s")
    kept.add(mark(BEGIN, 10_000, 500))
    kept.add(mark(END, 6_460, 560))
    assert marked(tmp_path / "s") == (6_398, 10_062)


def test_a_mark_that_is_not_said_to_be_either_is_what_is_missing(tmp_path: Path) -> None:
    """First a beginning, then its end; one that was forgotten for a day is none any more."""
    kept = Marks(tmp_path / "s")
    assert kept.next_kind(0) == BEGIN
    kept.add(mark(BEGIN, 100))
    assert (kept.next_kind(200), kept.next_kind(200_000)) == (END, BEGIN)
    kept.add(mark(END, 300))
    assert kept.next_kind(400) == BEGIN


def test_only_the_newest_marks_are_kept(tmp_path: Path) -> None:
    """The file does not grow for ever, and one that is damaged is named."""
    kept = Marks(tmp_path / "s")
    for number in range(KEPT_AT_MOST + 5):
        kept.add(mark(BEGIN, number))
    assert [one.at for one in kept.all()] == list(range(5, KEPT_AT_MOST + 5))
    for damaged in (b"[1", b"7", b'[{"kind": 1}]', b"[[]]"):
        (tmp_path / "s" / "marks.json").write_bytes(damaged)
        with pytest.raises(Corrupt, match=r"marks\.json"):
            kept.all()


@given(st.text())
def test_words_become_one_harmless_line(text: str) -> None:
    """No control character, no line end and nothing that turns the writing's direction reaches the log."""
    assert cleaned(text) == "" or cleaned(text).isprintable()


@contextlib.contextmanager
def listening(path: Path, kind: socket.SocketKind) -> Iterator[socket.socket]:
    """A log daemon's socket."""
    with socket.socket(socket.AF_UNIX, kind) as daemon:
        daemon.bind(str(path))
        daemon.settimeout(5)
        if kind == socket.SOCK_STREAM:
            daemon.listen()
        yield daemon


def test_the_journal_takes_fields_and_syslog_a_line(tmp_path: Path) -> None:
    """The journal comes first; without any daemon the mark is in no log."""
    places = {"journal": str(tmp_path / "j"), "syslog": str(tmp_path / "l")}
    assert write_line("mark begin: x", 0.0, **places) == ""
    with listening(tmp_path / "l", socket.SOCK_DGRAM) as syslog:
        assert write_line("mark begin: x", 0.0, **places) == "syslog"
        assert re.fullmatch(
            rb"<13>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d caseprobe\[\d+\]: mark begin: x", syslog.recv(999)
        )
        with listening(tmp_path / "j", socket.SOCK_DGRAM) as journal:
            assert write_line("mark begin: x", 0.0, **places) == "the journal"
            fields = dict(line.split("=", 1) for line in journal.recv(999).decode().splitlines())
    assert (fields["MESSAGE"], fields["SYSLOG_IDENTIFIER"]) == ("mark begin: x", "caseprobe")


def test_a_syslog_that_listens_on_a_stream_gets_it_too(tmp_path: Path) -> None:
    """Some daemons do."""
    with listening(tmp_path / "l", socket.SOCK_STREAM) as syslog:
        assert write_line("mark end", 0.0, str(tmp_path / "j"), str(tmp_path / "l")) == "syslog"
        connection, _ = syslog.accept()
        with connection:
            assert connection.recv(999).endswith(b": mark end\n")


def test_two_marks_say_how_to_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first says what to do next, the second the command that takes what lies between."""
    monkeypatch.setenv("CASEPROBE_STATE_FOLDER", str(tmp_path / "s"))
    monkeypatch.setenv("CASEPROBE_CONFIG_FOLDER", str(tmp_path / "c"))
    assert cli.main(["mark", "login \x1b[2J fails"]) == 0
    assert "caseprobe mark --end" in capsys.readouterr().out
    assert cli.main(["mark", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["kind"], told["bundle"]) == ("end", "caseprobe bundle --marked")
    assert [one.text for one in Marks(tmp_path / "s").all()] == ["login [2J fails", ""]
    assert cli.main(["bundle", "--marked", "--from", "-2h"]) == 2
    assert "--marked is a time already" in capsys.readouterr().err
