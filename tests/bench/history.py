"""The resident agent's ring: what a sample costs, what a day takes on disk, and what reading it back costs."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from caseprobe_agent.history.figures import Key
from caseprobe_agent.history.recorder import SAMPLE_SECONDS
from caseprobe_agent.history.ring import BEGIN, NAME, RECORD_BYTES, Read, Ring
from caseprobe_agent.history.sampling import Sampler
from caseprobe_agent.history.series import facts_of
from caseprobe_agent.machine import Machine
from tests.bench.reading import Row

SAMPLES = 300
DAY_SECONDS, QUICK_SECONDS = 86_400.0, 3 * 3600.0
DAY_SAMPLES = int(DAY_SECONDS / SAMPLE_SECONDS)
MIB = 1 << 20
RUNS = 5
TABLES = ("stat", "vmstat", "pressure/cpu", "pressure/memory", "pressure/io", "diskstats", "net/dev", "net/snmp")
FLOOR = (*(f"/proc/{name}" for name in TABLES), "/proc/meminfo", "/proc/loadavg")


def measure() -> list[Row]:
    """CPU of one sample, room of a day, and that of reading a day and three hours of it back."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / NAME
        size = BEGIN + DAY_SAMPLES * RECORD_BYTES
        sampler, machine = Sampler(Machine()), Machine()
        with _ring(path, size) as ring:
            values = sampler.take() | sampler.take()
            cost = _cpu(lambda number: ring.append(number, number, b"boot", sampler.take()))
            for number in range(DAY_SAMPLES):
                ring.append(10.0 * number, 10.0 * number, b"boot", _moved(values, number))
        floor = _cpu(lambda _: [machine.read_bytes(table) for table in FLOOR if machine.exists(table)])
        quick, whole = _read_back(path, QUICK_SECONDS), _read_back(path, DAY_SECONDS)
    share = cost / SAMPLE_SECONDS
    figures = f"{len(values)} figures"
    return [
        Row(
            f"one sample of {figures}, every {SAMPLE_SECONDS:g} s: CPU",
            f"{share * 100:.4f} % of a core",
            f"reading the same tables alone: {floor / SAMPLE_SECONDS * 100:.4f} %",
            "≤ 0.02 %",
            share <= 0.0002,
        ),
        Row("24 hours of samples on disk", f"{size / MIB:.1f} MiB", "-", "≤ 64 MiB", size <= 64 * MIB),
        Row(f"read back: 24 hours of {figures}, CPU", f"{whole * 1e3:.0f} ms", "-", "-", True),
        Row(f"read back by quick: 3 hours of {figures}, CPU", f"{quick * 1e3:.0f} ms", "-", "-", True),
    ]


@contextmanager
def _ring(path: Path, size: int) -> Iterator[Ring]:
    ring = Ring(path, size, SAMPLE_SECONDS)
    try:
        yield ring
    finally:
        ring.close()


def _moved(values: dict[Key, float], number: int) -> dict[Key, float]:
    """Figures that are never still, so that nothing is left out of what is read back."""
    return {key: value + number % 97 for key, value in values.items()}


def _cpu(work: Callable[[int], object]) -> float:
    """Processor seconds of one run."""
    begin = time.process_time()
    for number in range(SAMPLES):
        work(number)
    return (time.process_time() - begin) / SAMPLES


def _read_back(path: Path, seconds: float) -> float:
    """Median of several runs."""
    file = os.open(path, os.O_RDONLY)
    try:
        return statistics.median(_timed(lambda at, size: os.pread(file, size, at), seconds) for _ in range(RUNS))
    finally:
        os.close(file)


def _timed(read: Read, seconds: float) -> float:
    begin = time.process_time()
    facts_of(read, seconds)
    return time.process_time() - begin
