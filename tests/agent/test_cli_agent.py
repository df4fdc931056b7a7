"""The command line from outside: exit codes, one clear line, JSON alone on stdout, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from caseprobe_agent import cli


def caseprobe(folder: Path, *arguments: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder of its own, without a terminal."""
    folders = {"CASEPROBE_CONFIG_FOLDER": str(folder), "CASEPROBE_STATE_FOLDER": str(folder / "s")}
    return subprocess.run(
        [sys.executable, "-m", "caseprobe_agent", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=120,
        env={**os.environ, **folders, **environ},
    )


def test_the_name_alone_gives_an_overview(capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody who types only the name sees every command with what it does."""
    assert cli.main([]) == 0
    shown = capsys.readouterr().out
    assert all(f"caseprobe {command}" in shown for command in cli.COMMANDS)


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """--help works and tells the exit codes, and every command is in a group of the overview."""
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert f"usage: caseprobe {command}" in shown and "xit code" in shown
    assert command in {name for _, group in cli.GROUPS for name in group}


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT RUN: needs root, who is told")
def test_root_is_told_whose_the_machines_agent_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What root enrolled or granted in its own folders would be no concern of a service with a user of its own."""
    monkeypatch.delenv("CASEPROBE_STATE_FOLDER", raising=False)
    monkeypatch.setattr("caseprobe_agent.folders.service_uid", lambda: 65534)
    for command in (["enroll", "x"], ["run"], ["status"], ["consent"], ["leave"]):
        assert cli.main(command) == 2
        assert "put `sudo -u nobody` in front" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["bundel"], 2, "no command 'bundel'"),
        (["bundle", "--profile", "huge"], 2, "no profile 'huge'"),
        (["bundle", "--include", "smrt"], 2, "did you mean 'smart'?"),
        (["bundle", "--list", "--exclude", "nothing"], 2, "no item or area 'nothing'"),
        (["bundle", "--deadline", "-1"], 2, "positive number of seconds"),
        (["bundle", "--from", "soon"], 2, "'soon' is no moment"),
        (["bundle", "--from", "-2h", "--to-time", "-3h"], 2, "ends before it begins"),
        (["bundle", "--to", "hello"], 2, "join code"),
        (["enroll", "CP1-NONSENSE"], 2, "join code"),
        (["bundle", "--to", "@/nowhere"], 2, "/nowhere cannot be read"),
        (["enroll"], 2, "join code"),
        (["show", "/nowhere.zip"], 2, "/nowhere.zip cannot be read"),
        (["verify"], 2, "BUNDLE"),
        (["unmask", "/nowhere", "--map", "/none"], 2, "does not exist"),
        (["redact", "/nowhere"], 2, "cannot be read"),
        (["check", "--root", "/nowhere"], 3, "/nowhere is no folder"),
        (["check", "--nonsense"], 3, "--nonsense"),
        (["check", "--bundle", "/etc/hosts"], 3, "not a caseprobe bundle"),
    ],
)
def test_a_wrong_call_is_one_clear_line(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line on stderr that says what is wrong, the documented exit code, nothing on stdout."""
    assert cli.main(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert words in captured.err


def test_a_wrong_setting_names_its_place(tmp_path: Path) -> None:
    """File, line and key, and exit code 2."""
    (tmp_path / "agent.toml").write_text('\nlanguage = "tlh"\n')
    done = caseprobe(tmp_path, "bundle")
    assert (done.returncode, done.stdout) == (2, "")
    assert "agent.toml, line 2: language" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bundle_can_be_made_shown_proved_and_judged_again(tmp_path: Path) -> None:
    """The whole way of a file, with JSON alone on stdout."""
    made = caseprobe(tmp_path, "bundle", "--json")
    document = json.loads(made.stdout)
    assert (made.returncode, document["delivered"], document["reason"]) == (0, False, "")
    shown = caseprobe(tmp_path, "show", document["file"], "--json")
    assert json.loads(shown.stdout)["snapshot_id"] == document["snapshot_id"]
    proved = caseprobe(tmp_path, "verify", document["file"], "--json")
    assert (proved.returncode, json.loads(proved.stdout)["signed_by"]) == (0, "one-shot")
    judged = caseprobe(tmp_path, "check", "--bundle", document["file"], "--json")
    assert judged.returncode in (0, 1, 2)
    assert json.loads(judged.stdout)["input"] == document["file"]


def test_a_cut_bundle_is_readable_and_not_proven(tmp_path: Path) -> None:
    """What was finished is shown; verify says what that is worth."""
    path = Path(
        json.loads(caseprobe(tmp_path, "bundle", "--profile", "quick", "--exclude", "logs", "--json").stdout)["file"]
    )
    path.write_bytes(path.read_bytes()[:-200])
    assert caseprobe(tmp_path, "show", str(path)).returncode == 0
    proved = caseprobe(tmp_path, "verify", str(path))
    assert (proved.returncode, "Incomplete and unsigned" in proved.stdout) == (3, True)


def test_redact_and_unmask_are_each_others_way_back(tmp_path: Path) -> None:
    """Names come back with the map, secrets do not."""
    text = "login from 10.1.2.3 by anna@example.org password=hunter2\n"
    hidden = caseprobe(tmp_path, "redact", "--map", "map", stdin=text)
    assert hidden.returncode == 0
    assert not any(secret in hidden.stdout for secret in ("10.1.2.3", "anna", "hunter2"))
    (tmp_path / "hidden.txt").write_text(hidden.stdout)
    assert (tmp_path / "map").stat().st_mode & 0o777 == 0o600
    back = caseprobe(tmp_path, "unmask", "hidden.txt", "--map", "map").stdout
    assert "10.1.2.3 by anna@example.org" in back
    assert "hunter2" not in back
    assert caseprobe(tmp_path, "unmask", "hidden.txt", "--map", "hidden.txt").returncode == 2


def test_redact_reports_in_numbers_and_knows_a_file_by_its_name(tmp_path: Path) -> None:
    """What was hidden is counted, never named; a known file loses its values; unmask reads from a pipe too."""
    (tmp_path / "wg0.conf").write_text("[Interface]\nPrivateKey = violetlantern\nAddress = 10.1.2.3/24\n")
    hidden = caseprobe(tmp_path, "redact", "wg0.conf", "--map", "map", "--report", "report.json")
    assert (hidden.returncode, "violetlantern" in hidden.stdout) == (0, False)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["hidden"]["ipv4"] == 1 and sum(report["hidden"].values()) == 2 and report["read_bytes"] == 61
    back = caseprobe(tmp_path, "unmask", "--map", "map", stdin=hidden.stdout)
    assert "Address = 10.1.2.3/24" in back.stdout


def test_what_is_no_text_leaves_nothing(tmp_path: Path) -> None:
    """Bytes in which the rules would be blind end with code 3 and one line that says why."""
    (tmp_path / "x").write_bytes(b"\0\1\2" * 5000)
    hidden = caseprobe(tmp_path, "redact", "x", "--map", "map")
    assert (hidden.returncode, hidden.stdout) == (3, "")
    assert "not plain text" in hidden.stderr


def test_ctrl_c_ends_with_130_and_no_traceback(tmp_path: Path) -> None:
    """Interrupted while measuring: one line, the documented code, no half file."""
    process = subprocess.Popen(
        [sys.executable, "-m", "caseprobe_agent", "bundle"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "CASEPROBE_CONFIG_FOLDER": str(tmp_path), "CASEPROBE_STATE_FOLDER": str(tmp_path / "s")},
    )
    assert process.stderr is not None
    assert "measuring" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert list(tmp_path.glob("*.zip")) == []
