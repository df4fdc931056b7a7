"""`make bench-checks`: what one full pass of probes and checks costs, and what it says of a machine that is well.

The floor is measured in the same run: the same files read once, in the same order, with bare system calls.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from caseprobe.checks import check_snapshot
from caseprobe.errors import MeasurementError
from caseprobe.v1 import section_pb2, snapshot_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes import PROFILES
from caseprobe_agent.probes.probe import Probe
from caseprobe_agent.snapshot.child import measure_function, sample_function
from tests.bench.reading import Row, table

PASSES, HEALTHY_RUNS = 9, 24
# What was written or counted before the runs is this machine's history.
HISTORY = ("log.", "mem.oom")
# Above so many waiting tasks a processor this machine is not quiet, and warnings about that are true.
QUIET_LOAD = 1.0
UNSYNCHRONISED_SECONDS = 16.0


class Reading(Machine):
    """This machine, which remembers what was read of it."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[str] = []
        self.folders: list[str] = []

    def read_bytes(self, path: str, limit_bytes: int = 1 << 20) -> bytes:
        """As Machine.read_bytes."""
        self.files.append(path)
        return super().read_bytes(path, limit_bytes)

    def list_dir(self, path: str) -> list[str]:
        """As Machine.list_dir."""
        self.folders.append(path)
        return super().list_dir(path)

    def folders_in(self, path: str) -> list[str]:
        """As Machine.folders_in."""
        self.folders.append(path)
        return super().folders_in(path)


def one_pass(machine: Machine) -> tuple[snapshot_pb2.Snapshot, dict[str, float]]:
    """Every probe of the quick profile and every check, without the rest between samples; CPU by probe."""
    snapshot, spent = snapshot_pb2.Snapshot(), {}
    samples = {}
    for probe in PROFILES["quick"]:
        begun = time.process_time()
        samples[probe.name] = sample_function(probe.sample)(machine) if probe.sample else None
        spent[probe.name] = time.process_time() - begun
    for probe in PROFILES["quick"]:
        begun = time.process_time()
        snapshot.sections.append(_section(probe, machine, samples[probe.name]))
        spent[probe.name] += time.process_time() - begun
    begun = time.process_time()
    check_snapshot(snapshot)
    spent["(checks)"] = time.process_time() - begun
    return snapshot, spent


def _section(probe: Probe, machine: Machine, earlier: object | None) -> section_pb2.Section:
    section = section_pb2.Section(probe=probe.name, outcome=section_pb2.PROBE_OUTCOME_OK)
    try:
        measured = measure_function(probe.measure)(machine, earlier)
    except MeasurementError as error:
        section.outcome, section.reason = section_pb2.PROBE_OUTCOME_ABSENT, str(error)
        return section
    getattr(section, probe.name).CopyFrom(measured.facts)
    section.lines.extend(measured.lines)
    section.shortfalls.extend(measured.shortfalls)
    return section


def bare(files: list[str], folders: list[str]) -> None:
    """The same reads, with nothing made of them."""
    for path in files:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            continue
        with contextlib.suppress(OSError):
            # To the end: the kernel makes long tables page by page.
            while os.read(descriptor, 1 << 20):
                continue
        os.close(descriptor)
    for path in folders:
        try:
            os.listdir(path)  # noqa: PTH208
        except OSError:
            continue


def resident_bytes() -> int:
    """Of this process, now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cost() -> list[Row]:
    """Time and memory of a pass, each against the floor."""
    before = resident_bytes()
    machine = Reading()
    one_pass(machine)
    added = resident_bytes() - before
    files, folders = list(machine.files), list(machine.folders)
    figures = []
    by_probe: Counter[str] = Counter()
    for _ in range(PASSES):
        wall, cpu = time.perf_counter(), time.process_time()
        _, spent = one_pass(Machine())
        figures.append((time.process_time() - cpu, time.perf_counter() - wall))
        by_probe.update(spent)
    floors = []
    for _ in range(PASSES):
        cpu = time.process_time()
        bare(files, folders)
        floors.append(time.process_time() - cpu)
    cpu_ms, wall_ms = (statistics.median(column) * 1000 for column in zip(*figures, strict=True))
    floor_ms = statistics.median(floors) * 1000
    worst = ", ".join(f"{name} {total / PASSES * 1000:.0f}" for name, total in by_probe.most_common(6))
    processes = sum(name.isdecimal() for name in os.listdir("/proc"))  # noqa: PTH208
    return [
        Row(
            f"CPU of a pass, {processes} processes, {len(files)} files (ms by probe: {worst})",
            f"{cpu_ms:.0f} ms",
            f"bare reads {floor_ms:.0f} ms",
            "≤ 80 ms",
            cpu_ms <= 80,
        ),
        Row(
            "wall time of a pass without the rest between samples", f"{wall_ms:.0f} ms", "-", "≤ 250 ms", wall_ms <= 250
        ),
        Row("memory added by the first pass", f"{added / 2**20:.1f} MiB", "-", "≤ 25 MiB", added <= 25 << 20),
    ]


def healthy() -> list[Row]:
    """Warnings over 24 runs: those that say what is true of this machine, each with its proof, and all others."""
    warnings: Counter[str] = Counter()
    proofs = {f"{check_id} ({proof})" for check_id, proof in _true_here()}
    true = {check_id for check_id, _ in _true_here()}
    before: set[str] = set()
    loads = [os.getloadavg()[0]]
    for number in range(HEALTHY_RUNS + 1):
        found = {
            f"{finding['check_id']} {finding['object']}".strip()
            for finding in _judged()["findings"]
            if finding["state"] in ("warn", "critical") and finding["check_id"] not in true
        }
        if number == 0:
            before = {one for one in found if one.startswith(HISTORY)}
        else:
            warnings.update(found - before)
        loads.append(os.getloadavg()[0])
    named = ", ".join(f"{name} ({count})" for name, count in warnings.most_common(5)) or "none"
    busiest = max(loads) / (os.cpu_count() or 1)
    quiet = "quiet" if busiest <= QUIET_LOAD else "NOT QUIET, so that this shows nothing"
    return [
        Row(
            f"warnings over {HEALTHY_RUNS} runs on this machine: {named}",
            str(warnings.total()),
            f"{quiet}: {busiest:.1f} tasks a processor",
            "0 on a quiet machine",
            not warnings and busiest <= QUIET_LOAD,
        ),
        Row(
            "true of this machine, in every run: " + (", ".join(sorted(proofs)) or "none"),
            str(len(proofs)),
            "from before the runs: " + (", ".join(sorted(before)) or "none"),
            "-",
            True,
        ),
    ]


def _true_here() -> Iterator[tuple[str, str]]:
    """Checks that must warn here, and what proves it without them."""
    clock = Machine().clock_status()
    if not clock.synchronized and clock.maximum_error_seconds >= UNSYNCHRONISED_SECONDS:
        yield "time.sync", f"adjtimex: unsynchronised, error bound {clock.maximum_error_seconds:g} s"


def _judged() -> dict[str, list[dict[str, str]]]:
    with tempfile.TemporaryDirectory() as folder:
        own = {"CASEPROBE_CONFIG_FOLDER": folder, "CASEPROBE_STATE_FOLDER": folder}
        command = [sys.executable, "-m", "caseprobe_agent", "check", "--json"]
        done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, **own})
    judged: dict[str, list[dict[str, str]]] = json.loads(done.stdout)
    return judged


def main() -> int:
    """Print the table; a figure that misses its aim is printed as such and is no failure of the run."""
    rows = cost()
    if "--cost" not in sys.argv:
        rows += healthy()
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
