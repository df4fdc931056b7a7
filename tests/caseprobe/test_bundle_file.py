"""A bundle is written front to back, read without trust, and says what it proves."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from caseprobe.bundle import BundleReader, snapshot_from_json, snapshot_to_json, write_bundle
from caseprobe.errors import Corrupt
from caseprobe.v1.snapshot_pb2 import Snapshot

SNAPSHOT = Snapshot(snapshot_id="snap_1", profile="quick")
ARTIFACTS = {"artifacts/kernel.log": b"one\ntwo\n", "artifacts/long.log": b"0123456789abcdef\n" * 300_000}


def written() -> bytes:
    """An unsigned bundle with an artifact in two parts."""
    stream = io.BytesIO()
    write_bundle(stream, SNAPSHOT, ARTIFACTS, "<!doctype html>", None)
    return stream.getvalue()


def test_a_bundle_is_read_as_it_was_written() -> None:
    """Members come back whole, parts joined, and the snapshot is equal."""
    reader = BundleReader(io.BytesIO(written()))
    assert reader.complete and reader.snapshot() == SNAPSHOT
    assert {name: reader.read(name) for name in ARTIFACTS} == ARTIFACTS
    assert reader.verify().hashes_ok and reader.verify().signed_by == "none"


def test_any_zip_program_opens_a_bundle() -> None:
    """The standard library finds every member sound."""
    archive = zipfile.ZipFile(io.BytesIO(written()))
    assert archive.testzip() is None
    assert archive.namelist()[:2] == ["snapshot.json", "report.html"]


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not installed")
def test_unzip_opens_a_bundle(tmp_path: Path) -> None:
    """The usual command-line program finds no fault, either."""
    path = tmp_path / "bundle.zip"
    path.write_bytes(written())
    assert subprocess.run(["unzip", "-tq", str(path)], check=False, capture_output=True).returncode == 0


def test_a_bundle_cut_anywhere_gives_its_finished_members_and_claims_nothing() -> None:
    """After a kill the reader names the file incomplete and unsigned, whatever the byte."""
    whole = written()
    for cut in range(400, len(whole), 211):
        reader = BundleReader(io.BytesIO(whole[:cut]))
        assert reader.snapshot() == SNAPSHOT
        assert not reader.verify().complete and "Incomplete and unsigned" in reader.verify().sentence


def test_a_snapshot_survives_json() -> None:
    """To JSON and back is the same message; nonsense is refused."""
    assert snapshot_from_json(snapshot_to_json(SNAPSHOT)) == SNAPSHOT
    for data in (b"", b"[" * 100_000, b'{"sections": 1}', b"\xff", b'{"x":' * 5000):
        with pytest.raises(Corrupt):
            snapshot_from_json(data)
