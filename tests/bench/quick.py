"""The one-shot bundle of the quick profile, against Debian's sosreport where it is installed."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from caseprobe.bundle import BundleReader
from caseprobe.v1.snapshot_pb2 import Snapshot
from tests.bench.reading import Row

RUNS = 7
SOS_SECONDS = 300
RATE_SECONDS = 0.25
LOG_BYTES = 2 << 20


def measure() -> list[Row]:
    """Wall time, foreign programs, log text and the length of the rates' sample, and the peer's time."""
    with tempfile.TemporaryDirectory() as folder:
        walls = [_bundle(Path(folder, f"{number}.zip")) for number in range(RUNS)]
        programs = _programs(Path(folder))
        snapshot, log_bytes = _inside(Path(folder, "0.zip"))
    wall = statistics.median(walls)
    samples = [section.cpu.sample_seconds for section in snapshot.sections if section.HasField("cpu")]
    sample = min(samples, default=0.0)
    peer = _sos()
    return [
        Row(
            f"quick profile, {len(snapshot.sections)} sections: measured, redacted, judged, written (median of {RUNS})",
            f"{wall:.2f} s ({min(walls):.2f}-{max(walls):.2f})",
            peer,
            "≤ 1.0 s",
            wall <= 1.0,
        ),
        Row("foreign programs that it starts", programs, "-", "0", programs == "0"),
        Row("log text in it", f"{log_bytes / 1024:.0f} KiB", "-", "≤ 2048 KiB", log_bytes <= LOG_BYTES),
        Row("sample that its rates are over", f"{sample:.2f} s", "-", "≥ 0.25 s", sample >= RATE_SECONDS),
    ]


def _command(output: Path) -> list[str]:
    return [sys.executable, "-m", "caseprobe_agent", "bundle", "--profile", "quick", "--output", str(output)]


def _environment(folder: Path) -> dict[str, str]:
    own = {"CASEPROBE_STATE_FOLDER": str(folder / "state"), "CASEPROBE_CONFIG_FOLDER": str(folder / "config")}
    (folder / "config").mkdir(exist_ok=True)
    return {**os.environ, **own}


def _bundle(output: Path) -> float:
    begin = time.perf_counter()
    subprocess.run(_command(output), env=_environment(output.parent), capture_output=True, check=True)
    return time.perf_counter() - begin


def _programs(folder: Path) -> str:
    """How many programs other than our own interpreter were started; needs strace."""
    strace = shutil.which("strace")
    if strace is None:
        return "not measured (needs strace)"
    trace = folder / "trace"
    command = [strace, "-f", "-qq", "-e", "trace=execve", "-o", str(trace), *_command(folder / "traced.zip")]
    subprocess.run(command, env=_environment(folder), capture_output=True, check=True)
    started = [line for line in trace.read_text().splitlines() if "execve(" in line and line.rstrip().endswith("= 0")]
    interpreter = str(Path(sys.executable).resolve().parent)
    foreign = [line for line in started if "python" not in line.split('"')[1] and interpreter not in line]
    return str(len(foreign))


def _inside(bundle: Path) -> tuple[Snapshot, int]:
    with bundle.open("rb") as stream:
        snapshot = BundleReader(stream).snapshot()
    with zipfile.ZipFile(bundle) as archive:
        logs = sum(item.file_size for item in archive.infolist() if item.filename.startswith("artifacts/"))
    return snapshot, logs


def _sos() -> str:
    """Debian's sosreport, the plugins of the same areas, in the same run."""
    sos = shutil.which("sos") or shutil.which("sosreport")
    if sos is None:
        return "sosreport not installed: not measured"
    plugins = "block,filesys,hardware,kernel,logs,memory,networking,process,processor,system"
    with tempfile.TemporaryDirectory() as folder:
        command = [sos, "report", "--batch", "--tmp-dir", folder, "-o", plugins, "--log-size", "2", "-q"]
        begin = time.perf_counter()
        done = subprocess.run(command, capture_output=True, timeout=SOS_SECONDS, check=False)
        wall = time.perf_counter() - begin
    return f"sosreport, same areas: {wall:.1f} s (exit {done.returncode})"
