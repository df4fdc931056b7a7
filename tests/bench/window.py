"""A stretch of ten minutes out of a log of gigabytes: time and memory of the probe; reading all of it is the floor.

The log is written here, in full, and dropped from the page cache before each run: 10 GiB where four times as much is
free, else 2 GiB, which the row says.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.reading import Row

GIB, MIB = 1 << 30, 1 << 20
LARGE, SMALL = 10 * GIB, 2 * GIB
FREE_FOR_LARGE = 4 * LARGE
RUNS = 3
FLOOR_BYTES = GIB
AIM_SECONDS, AIM_BYTES = 2.0, 64 * MIB
BEGIN = 1_763_000_000
LINE = b"%s db7 app[812]: request 4711 served in 12 ms for /var/lib/app/data with a few more words\n"
PROGRAM = """
import json, sys, time
from pathlib import Path
from caseprobe.parse.logs.window import Window
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes import system_log
from tests.bench.reading import peak_bytes
begin, end, root = float(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3])
at = time.perf_counter()
measured = system_log.measure_more(Machine(root), Window(begin, end).written())
seconds = time.perf_counter() - at
print(json.dumps([seconds, peak_bytes(), measured.facts.lines_total, measured.facts.truncated]))
"""


def measure() -> list[Row]:
    """The window at the beginning, in the middle and at the end of the log: the slowest of them."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        size = LARGE if shutil.disk_usage(root).free > FREE_FOR_LARGE else SMALL
        log = root / "var/log/syslog"
        log.parent.mkdir(parents=True)
        last = _write(log, size)
        floor = _read_all(log)
        results = [_run(root, log, BEGIN + share * (last - BEGIN)) for share in (0.02, 0.5, 0.95)]
    seconds, peak = max(one[0] for one in results), max(one[1] for one in results)
    what = f"ten minutes out of a log of {size / GIB:.0f} GiB, cold"
    beside = f"reading {FLOOR_BYTES / GIB:.0f} GiB of it: {floor:.2f} s"
    return [
        Row(what, f"{seconds:.2f} s", beside, "≤ 2 s", seconds <= AIM_SECONDS),
        Row("the same: peak memory of the process", f"{peak / MIB:.0f} MiB", "-", "≤ 64 MiB", peak <= AIM_BYTES),
    ]


def _write(log: Path, size: int) -> float:
    """Lines of one second after the other, a MiB for each; gives the last second."""
    at = float(BEGIN)
    lines = MIB // len(LINE % (b"x" * 32))
    with log.open("wb") as file:
        while file.tell() < size:
            stamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").encode()
            file.write((LINE % stamp) * lines)
            at += 1
        file.flush()
        os.fsync(file.fileno())
    return at


def _forget(log: Path) -> None:
    """Nothing of it is in memory any more."""
    with log.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _read_all(log: Path) -> float:
    _forget(log)
    begin, left = time.perf_counter(), FLOOR_BYTES
    with log.open("rb", buffering=0) as file:
        while left > 0 and (part := file.read(MIB)):
            left -= len(part)
    return time.perf_counter() - begin


def _run(root: Path, log: Path, begin: float) -> tuple[float, int]:
    """Median time and highest memory of a fresh process that looks for ten minutes."""
    found = []
    for _ in range(RUNS):
        _forget(log)
        command = [sys.executable, "-c", PROGRAM, str(begin), str(begin + 600), str(root)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds, peak, lines, _ = json.loads(done.stdout)
        assert lines > 1000, "the window holds lines"
        found.append((seconds, peak))
    return statistics.median(seconds for seconds, _ in found), max(peak for _, peak in found)
