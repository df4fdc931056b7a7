"""`caseprobe check --smartctl-report`: one object per input, what grew, and what is no report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from caseprobe_agent import cli
from tests import fakes_smart as fakes
from tests.fakes_smart_disks import HDD, changed, raw

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of this machine."""
    monkeypatch.setenv("CASEPROBE_CONFIG_FOLDER", str(tmp_path / "config"))
    (tmp_path / "config").mkdir()


def check(capsys: Captured, *arguments: object) -> tuple[int, list[dict[str, Any]]]:
    """The exit code of `check --json` and its objects."""
    code = cli.main(["check", "--json", *map(str, arguments)])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def written(folder: Path, **texts: str) -> list[Path]:
    """Files with these texts."""
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", errors="surrogateescape")
    return [folder / name for name in texts]


def test_every_report_gives_one_object(tmp_path: Path, capsys: Captured) -> None:
    """A disk that is well, a bad one and what is no report, in their order; the worst decides the exit code."""
    bad = changed("sda", raw(197, "8"))
    files = written(tmp_path, well=HDD, bad=bad, nvme=fakes.NVME_CLI_JSON, foreign="Zustand: gut\n", binary="\udcff\0")
    code, told = check(capsys, "--smartctl-report", *files, tmp_path / "missing")
    assert code == 2
    assert [one["input"] for one in told] == [str(path) for path in [*files, tmp_path / "missing"]]
    assert [one["worst"] for one in told] == ["ok", "critical", "critical", "unknown", "unknown", "unknown"]
    [finding] = told[1]["findings"]
    assert (finding["check_id"], finding["cause"], finding["object"]) == ("smart.pending", "disk", "bad")
    row = bad.split("\n").index(raw(197, "8")[1])
    assert finding["evidence"] == [{"source": str(files[1]), "line": row + 1, "text": raw(197, "8")[1]}]
    assert {one["check_id"].partition(".")[0] for one in told[0]["coverage"]} == {"smart", "nvme"}


def test_what_is_no_report_is_unknown_with_the_reason(tmp_path: Path, capsys: Captured) -> None:
    """Nothing of it is well; the exit code says that nothing was judged."""
    code, [told] = check(capsys, "--smartctl-report", *written(tmp_path, foreign="Zustand: gut\n"))
    assert code == 3
    assert {one["outcome"] for one in told["coverage"]} == {"unknown"}
    assert "no report of smartctl" in told["coverage"][0]["reason"]


def test_growth_since_an_earlier_report(tmp_path: Path, capsys: Captured) -> None:
    """Both lines prove it: the later one and the earlier one, each with its file."""
    pair = next(one for one in fakes.pairs() if one["group"] == "turned_bad_hdd")["pair"]
    first, second = written(
        tmp_path, **{name: fakes.texts()[f"pairs/{pair}/{name}.txt"] for name in ("first", "second")}
    )
    _, [told] = check(capsys, "--smartctl-report", second, "--previous", first)
    growth = [one for one in told["coverage"] if one["check_id"] == "smart.growth"]
    assert growth[0]["outcome"] in ("ok", "finding")
    _, [alone] = check(capsys, "--smartctl-report", second)
    growth = [one for one in alone["coverage"] if one["check_id"] == "smart.growth"]
    assert growth[0]["outcome"] == "unknown"
    grown = changed("sda", raw(197, "8")), changed("sda", raw(197, "2"))
    now, then = written(tmp_path, now=grown[0], then=grown[1])
    _, [told] = check(capsys, "--smartctl-report", now, "--previous", then)
    [finding] = [one for one in told["findings"] if one["check_id"] == "smart.growth"]
    assert [one["source"] for one in finding["evidence"]] == [str(now), f"{then} (earlier)"]


def test_reports_as_other_systems_write_them(tmp_path: Path, capsys: Captured) -> None:
    """PowerShell writes UTF-16 with carriage returns; two reports in one file are not mixed up."""
    utf_16, two = tmp_path / "utf_16", tmp_path / "two"
    utf_16.write_bytes(HDD.replace("\n", "\r\n").encode("utf-16"))
    two.write_text(HDD + HDD)
    _, told = check(capsys, "--smartctl-report", utf_16, two)
    assert [one["worst"] for one in told] == ["ok", "unknown"]
    assert "more than one report" in told[1]["coverage"][0]["reason"]


def test_an_earlier_report_is_of_one_disk(tmp_path: Path, capsys: Captured) -> None:
    """With two reports nobody knows whose past it is."""
    one, two = written(tmp_path, one=HDD, two=HDD)
    assert cli.main(["check", "--smartctl-report", str(one), str(two), "--previous", str(one)]) == 3
    assert "one --smartctl-report" in capsys.readouterr().err
