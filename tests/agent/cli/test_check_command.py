"""`caseprobe check` on given input: one object an input, the worst exit code, growth against an earlier bundle."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from caseprobe.bundle import write_bundle
from caseprobe.checks import ALL
from caseprobe.v1 import section_pb2
from caseprobe_agent.cli import main
from tests import fakes_sections as fakes
from tests.machines import golden

Told = dict[str, Any]


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of this test only."""
    monkeypatch.setenv("CASEPROBE_CONFIG_FOLDER", str(tmp_path / "config"))
    monkeypatch.setenv("CASEPROBE_STATE_FOLDER", str(tmp_path / "state"))
    (tmp_path / "config").mkdir()


def bundle(path: Path, used: float, machine: str = "agent_1", seconds: int = 0) -> str:
    """A bundle of a machine whose disk is this full; its name."""
    space = section_pb2.Filesystem(mount_point="/", device="/dev/sda1", type="ext4", total_bytes=10**9, measured=True)
    space.used_bytes = round(10**9 * used)
    space.available_bytes = 10**9 - space.used_bytes
    facts = section_pb2.FilesystemsFacts(filesystems=[space])
    made = fakes.judged(fakes.section("filesystems", filesystems=facts))
    made.agent_id, made.boot_id, made.boottime_seconds = machine, "one", 1000.0 + seconds
    stream = io.BytesIO()
    write_bundle(stream, made, {}, "<html></html>", None)
    path.write_bytes(stream.getvalue())
    return str(path)


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[Told], str]:
    """Exit code, the objects on stdout, and stderr."""
    code = main(["check", "--json", *arguments])
    out, err = capsys.readouterr()
    return code, [json.loads(line) for line in out.splitlines()], err


def test_every_input_gives_one_object_and_the_worst_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Several bundles, one of them broken: each has its line, and the exit code is that of the worst."""
    well, full = bundle(tmp_path / "a.zip", 0.1), bundle(tmp_path / "b.zip", 0.85)
    broken = tmp_path / "c.zip"
    broken.write_bytes(b"rubbish")
    code, told, err = checked(capsys, "--bundle", well, full, "--bundle", str(broken))
    assert code == 1
    assert [(one["input"], one["worst"]) for one in told] == [(well, "ok"), (full, "warn"), (str(broken), "unknown")]
    assert "c.zip" in err
    assert checked(capsys, "--bundle", well, str(broken))[0] == 3
    assert checked(capsys, "--bundle", well)[0] == 0


def test_an_operators_levels_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the settings state is what is judged by, and the finding names it."""
    (tmp_path / "config" / "agent.toml").write_text('[checks."disk.space".objects."/"]\nwarn = 0.05\n')
    code, [told], _ = checked(capsys, "--bundle", bundle(tmp_path / "a.zip", 0.1))
    [finding] = told["findings"]
    assert (code, finding["threshold"]) == (1, "used_ratio >= 0.05")
    assert "agent.toml" in finding["threshold_source"]


def test_the_earlier_bundle_must_be_of_the_same_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Growth between two machines would be nonsense."""
    now, other = bundle(tmp_path / "a.zip", 0.1), bundle(tmp_path / "b.zip", 0.1, "agent_2")
    code, _, err = checked(capsys, "--bundle", now, "--previous", other)
    assert code == 3
    assert "another machine" in err
    assert checked(capsys, "--bundle", now, "--previous", bundle(tmp_path / "c.zip", 0.1))[0] == 0


@pytest.mark.parametrize("name", golden.names())
def test_a_copied_tree_is_judged_like_a_machine(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every golden machine: one object that names its folder, findings as expected, every check accounted for."""
    root = golden.root_of(name)
    _, [told], err = checked(capsys, "--root", str(root))
    expected = json.loads((golden.FOLDER / name / golden.EXPECTED).read_text())["findings"]
    assert told["input"] == str(root)
    found = sorted(f"{one['state']} {one['check_id']} {one['object']}".rstrip() for one in told["findings"])
    assert found == expected
    assert [one["check_id"] for one in told["coverage"]] == [check.id for check in ALL]
    assert err == ""


def test_a_copy_that_lost_everything_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An archive of /proc holds empty files; silence there is not health."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "stat").touch()
    assert main(["check", "--root", str(tmp_path)]) == 3
    assert "cp -r" in capsys.readouterr().err
