"""Mounts whose server is gone, for real: a FUSE file system that takes every question and answers none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from caseprobe.bundle import BundleReader
from tests.stuck_mount import DEVICE, LEFT

DEADLINE_SECONDS, LIMIT_SECONDS = 6, 120
SPACES = ("unshare", "--mount", "--net", "--propagation", "private")


def needs() -> str:
    """What is missing here for such a mount; a hard NFS mount would take a server and a kernel that knows it, too."""
    if os.geteuid():
        return "root"
    if shutil.which("unshare") is None or subprocess.run([*SPACES, "true"], capture_output=True).returncode:
        return "unshare and the right to make namespaces"
    try:
        os.close(os.open(DEVICE, os.O_RDWR))
    except OSError:
        return f"{DEVICE}, which the kernel of this machine does not offer"
    return ""


@pytest.mark.skipif(needs() != "", reason=f"NOT RUN: needs {needs()}")
def test_mounts_that_never_answer_hold_up_nothing(tmp_path: Path) -> None:
    """The run ends with a whole bundle although tasks of it can never be killed; what was not measured says so."""
    stuck, output = tmp_path / "stuck", tmp_path / "out.zip"
    stuck.mkdir()
    own = {f"CASEPROBE_{name}_FOLDER": str(tmp_path / name) for name in ("STATE", "CONFIG")}
    beside = [*SPACES, sys.executable, "-m", "tests.stuck_mount", str(stuck), "/var/log", "--"]
    options = ("--json", "--output", str(output), "--deadline", str(DEADLINE_SECONDS))
    done = subprocess.run(
        [*beside, sys.executable, "-m", "caseprobe_agent", "bundle", *options],
        env={**os.environ, **own, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path.startswith("/"))},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["file"] == str(output)
    # Some of what the run started sits in the kernel even now that it has ended: nothing waited for that.
    assert int(done.stderr.rpartition(LEFT)[2]) > 0, done.stderr
    with output.open("rb") as file:
        reader = BundleReader(file)
        verdict, snapshot = reader.verify(), reader.snapshot()
    assert verdict.complete and verdict.hashes_ok
    assert snapshot.duration_seconds < DEADLINE_SECONDS
    sections = {section.probe: section for section in snapshot.sections}
    assert all(section.WhichOneof("facts") or section.reason for section in snapshot.sections)
    assert sections["memory"].HasField("memory")
    mounts = {one.mount_point: one for one in sections["filesystems"].filesystems.filesystems}
    for point in (str(stuck), "/var/log"):
        assert sections["filesystems"].reason or not mounts[point].measured
