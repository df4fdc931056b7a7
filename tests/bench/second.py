"""The second bundle of a machine, forty seconds after the first: how much of it is sent."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

from caseprobe.bundle import BundleReader, make_patch, sketch_of
from tests.bench.reading import Row

PAUSE_SECONDS = 40.0
MOST_RATIO = 0.2
PROFILES = ("quick", "standard")


def measure() -> list[Row]:
    """Bytes of the patch beside those of the file, for each profile."""
    with tempfile.TemporaryDirectory() as folder:
        firsts = [_bundle(Path(folder), f"{profile}-1", profile) for profile in PROFILES]
        time.sleep(PAUSE_SECONDS)
        seconds = [_bundle(Path(folder), f"{profile}-2", profile) for profile in PROFILES]
        return [_row(*files) for files in zip(PROFILES, firsts, seconds, strict=True)]


def _row(profile: str, first: Path, second: Path) -> Row:
    begin = time.perf_counter()
    with first.open("rb") as file:
        sketch = sketch_of(BundleReader(file), sha256(first.read_bytes()).digest())
    assert sketch is not None
    with second.open("rb") as file:
        patch = make_patch(sketch, BundleReader(file), sha256(second.read_bytes()).digest())
    assert patch is not None
    seconds, whole = time.perf_counter() - begin, second.stat().st_size
    ratio = len(patch) / whole
    return Row(
        f"second bundle, {profile} profile, {PAUSE_SECONDS:.0f} s later: bytes sent (found in {seconds * 1000:.0f} ms)",
        f"{len(patch) / 1024:.1f} of {whole / 1024:.1f} KiB, {ratio:.0%}",
        "-",
        f"≤ {MOST_RATIO:.0%}",
        ratio <= MOST_RATIO,
    )


def _bundle(folder: Path, name: str, profile: str) -> Path:
    own = {"CASEPROBE_STATE_FOLDER": str(folder / "state"), "CASEPROBE_CONFIG_FOLDER": str(folder / "config")}
    (folder / "config").mkdir(exist_ok=True)
    path = folder / f"{name}.zip"
    command = [sys.executable, "-m", "caseprobe_agent", "bundle", "--profile", profile, "--output", str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120, env={**os.environ, **own})
    return path
