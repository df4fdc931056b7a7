"""Logs given to `check`: every form and packing gives the same findings; what is no log is said to be none."""

from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path

import pytest

from caseprobe_agent.cli import log_input, main
from tests.fakes_journal import journal_bytes

LINES = ["Linux version 6.1.0", "EXT4-fs error (device sda1): ext4_lookup:1: deleted inode referenced: 12"]
DMESG = "".join(f"[{number:5}.000000] {line}\n" for number, line in enumerate(LINES)).encode()
SYSLOG = "".join(
    f"Nov 22 01:00:0{number} db7 kernel: [{number:5}.0] {line}\n" for number, line in enumerate(LINES)
).encode()
FIELDS = [{"MESSAGE": line.encode(), "_TRANSPORT": b"kernel", "PRIORITY": b"3"} for line in LINES]
EXPORT = b"".join(
    b"__REALTIME_TIMESTAMP=1763769600000000\n_TRANSPORT=kernel\nMESSAGE=" + line.encode() + b"\n\n" for line in LINES
)
JSON = "".join(json.dumps({"MESSAGE": line, "_TRANSPORT": "kernel", "PRIORITY": "3"}) + "\n" for line in LINES).encode()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("dmesg.txt", DMESG),
        ("kern.log", SYSLOG),
        ("kern.log.2.gz", gzip.compress(SYSLOG)),
        ("kern.log.3.xz", lzma.compress(SYSLOG)),
        ("crlf.txt", SYSLOG.replace(b"\n", b"\r\n")),
        ("export.txt", EXPORT),
        ("journal.json", JSON),
        ("system.journal", journal_bytes(FIELDS, compact=True, packed="zstd")),
    ],
)
def test_every_form_of_a_log_is_judged(
    name: str, data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One JSON object per file, with the finding and its line."""
    path = tmp_path / name
    path.write_bytes(data)
    assert main(["check", "--json", "--log", str(path)]) == 2
    told = json.loads(capsys.readouterr().out)
    (finding,) = told["findings"]
    assert (finding["check_id"], finding["object"], finding["evidence"][0]["line"]) == ("log.kernel", "sda1", 2)


def test_several_logs_are_judged_each_for_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no log, damaged or absent is told beside the others and stops none of them."""
    files = {
        "good.log": DMESG,
        "text.txt": b"hello\nworld\n",
        "bad.gz": b"\x1f\x8bxx",
        "bad.journal": b"LPKSHHRH",
        "bin": bytes(99),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    names = [str(tmp_path / name) for name in (*files, "absent.log")]
    assert main(["check", "--json", "--log", *names]) == 2
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [bool(one.get("error")) for one in told] == [False, True, True, True, True, True]


def test_a_long_log_is_read_from_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much comes out of a small packed file."""
    monkeypatch.setattr(log_input, "LIMIT_BYTES", 1 << 20)
    monkeypatch.setattr(log_input, "PART_BYTES", 1 << 16)
    path = tmp_path / "long.gz"
    path.write_bytes(gzip.compress(b"[    1.000000] nothing\n" * 200_000 + DMESG))
    (section,) = log_input.snapshot_of(path).sections
    assert section.kernel_log.truncated and section.kernel_log.bytes_total < 2 << 20
    assert section.kernel_log.faults[0].object == "sda1"
