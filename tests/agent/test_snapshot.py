"""A snapshot: every probe has a section, whatever one of them does."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import psutil
import pytest

from caseprobe.v1 import section_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Probe
from caseprobe_agent.snapshot import Taken, take_snapshot
from caseprobe_agent.snapshot.child import ARTIFACT
from caseprobe_agent.snapshot.runs import Progress, Run
from tests import fakes_probes

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child imports what we can import by our own path."""
    monkeypatch.syspath_prepend(str(ROOT))


async def taken(*probes: Probe, deadline_seconds: float = 30.0, patience_seconds: float = 1.0) -> Taken:
    """A snapshot of the fakes."""
    return await take_snapshot(probes, Machine(), deadline_seconds, "quick", patience_seconds=patience_seconds)


def endings(snapshot: Taken) -> list[tuple[str, str, str]]:
    """Probe, outcome and reason of every section."""
    name = section_pb2.ProbeOutcome.Name
    return [(s.probe, name(s.outcome).removeprefix("PROBE_OUTCOME_"), s.reason) for s in snapshot.snapshot.sections]


async def test_facts_lines_and_artifacts_arrive() -> None:
    """What a probe hands over is in the snapshot, in full."""
    snapshot = await taken(fakes_probes.GOOD)
    section = snapshot.snapshot.sections[0]
    assert section.system.host_name == "good"
    assert [line.text for line in section.lines] == ["x"]
    assert [(a.name, a.source, a.data, a.truncated) for a in snapshot.artifacts] == [
        ("artifacts/x.log", "/dev/x", b"one\ntwo\n", True)
    ]


async def test_empty_facts_are_facts() -> None:
    """A section without one filesystem is measured, not missing."""
    snapshot = await taken(fakes_probes.EMPTY)
    assert snapshot.snapshot.sections[0].WhichOneof("facts") == "filesystems"


async def test_the_header_says_when_and_which_boot() -> None:
    """Profile, clocks and boot are there; ids are the caller's."""
    snapshot = (await taken(fakes_probes.GOOD)).snapshot
    assert snapshot.profile == "quick"
    assert abs(snapshot.started_at.seconds - time.time()) < 60
    assert snapshot.boottime_seconds > 0
    assert snapshot.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert snapshot.duration_seconds > 0
    assert snapshot.snapshot_id == ""


async def test_absent_denied_and_failed_are_three_things() -> None:
    """Each has its reason; the missing right is named."""
    snapshot = await taken(fakes_probes.ABSENT, fakes_probes.DENIED, fakes_probes.BROKEN)
    assert endings(snapshot) == [
        ("sensors", "ABSENT", "this machine has no sensors"),
        ("kernel_log", "DENIED", "/dev/kmsg cannot be read"),
        ("routes", "FAILED", "ZeroDivisionError: division by zero"),
    ]
    assert snapshot.snapshot.sections[1].needs == "CAP_SYSLOG"


async def test_a_hung_probe_costs_only_itself() -> None:
    """It is killed at its own limit, and the others are measured in a new child."""
    snapshot = await taken(fakes_probes.GOOD, fakes_probes.HUNG, fakes_probes.EMPTY)
    assert endings(snapshot) == [
        ("system", "OK", ""),
        ("memory", "TIMEOUT", "it did not answer within 0.3 s and was killed"),
        ("filesystems", "OK", ""),
    ]


async def test_a_dead_child_costs_only_its_probe() -> None:
    """Where a probe takes its process with it, the rest is measured."""
    snapshot = await taken(fakes_probes.DEAD, fakes_probes.GOOD)
    assert endings(snapshot) == [
        ("disks", "FAILED", "the child that measured was ended by SIGKILL"),
        ("system", "OK", ""),
    ]


async def test_the_deadline_ends_everything() -> None:
    """What ran is a timeout, what had not begun is skipped, both with their reason; the time is kept."""
    slow = fakes_probes.fake("memory", fakes_probes.measure_hung, timeout_seconds=60.0)
    snapshot = await taken(slow, fakes_probes.GOOD, deadline_seconds=1.5, patience_seconds=60.0)
    assert endings(snapshot) == [
        ("memory", "TIMEOUT", "it still ran at the deadline and was killed"),
        ("system", "SKIPPED", "the deadline came before its turn"),
    ]


async def test_what_takes_long_holds_up_no_other(tmp_path: Path) -> None:
    """A probe that ends only once the last one has run ends well, and each is measured once."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    slow = fakes_probes.fake("memory", fakes_probes.measure_waiting, timeout_seconds=60.0, argument=str(pipe))
    last = fakes_probes.fake("sensors", fakes_probes.measure_waking, timeout_seconds=60.0, argument=str(pipe))
    snapshot = await taken(slow, fakes_probes.GOOD, last, deadline_seconds=60.0, patience_seconds=0.2)
    assert endings(snapshot) == [("memory", "OK", ""), ("system", "OK", ""), ("sensors", "OK", "")]
    assert [artifact.name for artifact in snapshot.artifacts] == ["artifacts/x.log"]


async def test_a_sample_that_hangs_costs_only_its_probe() -> None:
    """It is killed at its probe's limit, and those after it are sampled and measured."""
    stuck = fakes_probes.fake("memory", fakes_probes.measure_hung, timeout_seconds=0.3, sample=fakes_probes.sample_hung)
    snapshot = await taken(stuck, fakes_probes.AGED)
    assert [row[:2] for row in endings(snapshot)] == [("memory", "TIMEOUT"), ("cpu", "OK")]


async def test_an_artifact_that_came_twice_is_there_once() -> None:
    """A child that is given up may have sent one already; the one of the child after it counts."""
    progress = Progress([fakes_probes.GOOD], end=0.0, patience_seconds=1.0)
    for data in (b"half", b"whole"):
        Run(progress, progress.left()).note(ARTIFACT + b'["artifacts/x.log", "/dev/x", false]\n' + data)
    assert [artifact.data for artifact in progress.artifacts.values()] == [b"whole"]


async def test_no_time_at_all_is_an_answer_too() -> None:
    """A deadline that has passed starts nothing."""
    assert endings(await taken(fakes_probes.GOOD, deadline_seconds=0.0)) == [
        ("system", "SKIPPED", "the deadline came before its turn")
    ]


async def test_a_sample_is_a_quarter_second_old() -> None:
    """Rates are over at least 0.25 s of this run, whatever stands between."""
    snapshot = await taken(fakes_probes.AGED, fakes_probes.GOOD)
    assert snapshot.snapshot.sections[0].cpu.sample_seconds >= 0.25


async def test_a_failed_sample_leaves_the_rest() -> None:
    """The probe measures without rates."""
    snapshot = await taken(fakes_probes.UNSAMPLED)
    assert endings(snapshot) == [("cpu", "OK", "")]
    assert snapshot.snapshot.sections[0].cpu.sample_seconds == 0.0


async def test_cancelling_leaves_no_child() -> None:
    """Ctrl-C in the middle of a measurement ends it at once."""
    slow = fakes_probes.fake("memory", fakes_probes.measure_hung, timeout_seconds=60.0)
    ourselves = psutil.Process()
    before = set(ourselves.children())
    task = asyncio.ensure_future(taken(slow))
    while set(ourselves.children()) <= before:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert set(ourselves.children()) <= before
