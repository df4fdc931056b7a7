"""Whatever hangs, the bundle is whole at its deadline: every declared item in turn, and any set of them."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from caseprobe.bundle import BundleReader
from caseprobe.errors import MachineTimeout
from caseprobe.v1 import enrolment_pb2, section_pb2
from caseprobe_agent.app import one_shot
from caseprobe_agent.config import load
from caseprobe_agent.identity import Enrolled
from caseprobe_agent.machine import Completed, Machine, calls
from caseprobe_agent.machine.patience import within
from caseprobe_agent.oneshot import Order
from caseprobe_agent.oneshot.choice import Chosen
from caseprobe_agent.oneshot.deadline import Deadline, started_at
from caseprobe_agent.probes import ALL, PROFILES, with_log_lines
from caseprobe_agent.probes.probe import Probe
from caseprobe_agent.snapshot import take_snapshot
from tests import fakes_probes
from tests.fakes_machine import FakeClock, FakeMachine
from tests.fakes_oneshot import FakePerson
from tests.machines import golden

ROOT = Path(__file__).parents[2]
LONGEST_SECONDS = 20.0
# Every way in which a profile measures.
PROBES = list(
    dict.fromkeys(probe for probes in (ALL, *PROFILES.values(), with_log_lines(ALL, full=True)) for probe in probes)
)
GAPS = (section_pb2.PROBE_OUTCOME_TIMEOUT, section_pb2.PROBE_OUTCOME_SKIPPED)
DICE = random.Random(7)


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child imports what we can import by our own path."""
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.fixture(scope="module")
def pipes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copied tree in which every file is a pipe that nobody ever writes to."""
    root = tmp_path_factory.mktemp("pipes") / "root"
    source = golden.root_of("raid-server")
    for folder, _, files in os.walk(source):
        place = root / Path(folder).relative_to(source)
        place.mkdir(parents=True, exist_ok=True)
        for name in files:
            os.mkfifo(place / name)
    (root / calls.REPLAY_FILE).unlink()
    shutil.copy(source / calls.REPLAY_FILE, root)
    return root


def section_of(probe: Probe, machine: Machine) -> section_pb2.Section:
    """The probe's section, in time."""
    clock = FakeClock(1_700_000_000.0, 1000.0)
    return within(LONGEST_SECONDS, lambda: golden.section_of(probe, machine, clock))


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: f"{probe.name}-{probe.measure.partition(':')[2]}")
def test_no_file_of_an_item_is_waited_for(probe: Probe, pipes: Path) -> None:
    """Where everything that it reads is a pipe without a writer, an item says that it could not be read."""
    section = section_of(probe, Machine(pipes))
    assert section.outcome != section_pb2.PROBE_OUTCOME_OK or section.shortfalls or not section.lines, section


class SleepingMachine(Machine):
    """A machine with every program and device, on which every program sleeps."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.started = 0

    def exists(self, path: str) -> bool:
        """All that a probe looks for before it asks a program."""
        return path.startswith(("/usr/", "/dev/", "/run/", "/var/lib/", "/sys/module")) or super().exists(path)

    def privileged(self) -> bool:
        """Nothing is refused."""
        return True

    def run(self, command: Sequence[str], timeout_seconds: float, limit_bytes: int = 1 << 20) -> Completed:
        """A real program that prints nothing and does not end, for a hundredth of the time that it is given."""
        assert timeout_seconds <= 60.0
        self.started += 1
        return calls.run(("/bin/sleep", "1000"), 0.02, limit_bytes)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: f"{probe.name}-{probe.measure.partition(':')[2]}")
def test_no_program_of_an_item_is_waited_for(probe: Probe, tmp_path: Path) -> None:
    """A program that sleeps is killed at its limit, and is the reason that is told."""
    (tmp_path / "sys/block/sda").mkdir(parents=True)
    (tmp_path / "sys/block/sda/size").write_text("1000\n")
    machine = SleepingMachine(tmp_path)
    section = section_of(probe, machine)
    if machine.started:
        told = [section.outcome, *(one.outcome for one in section.shortfalls)]
        assert section_pb2.PROBE_OUTCOME_TIMEOUT in told or section_pb2.PROBE_OUTCOME_ABSENT in told, section
    assert not [child for child in psutil.Process().children() if child.name() == "sleep"]


def hung(probe: Probe, timeout_seconds: float) -> Probe:
    """The same item, reading from what never answers."""
    return replace(probe, measure=fakes_probes.HUNG.measure, sample="", timeout_seconds=timeout_seconds, argument="")


async def test_hung_items_cost_only_themselves() -> None:
    """Some of the declared items hang, one after another: each is killed and named, and what comes last is measured."""
    last = ALL[0]
    probes = [*(hung(probe, 0.05) for probe in DICE.sample(ALL[1:], 3)), last]
    taken = await take_snapshot(probes, Machine(), 60.0, "full", patience_seconds=0.02)
    sections = {section.probe: section for section in taken.snapshot.sections}
    assert sections[last.name].outcome == section_pb2.PROBE_OUTCOME_OK
    for probe in probes[:-1]:
        assert sections[probe.name].outcome == section_pb2.PROBE_OUTCOME_TIMEOUT, probe.name
        assert sections[probe.name].reason == "it did not answer within 0.05 s and was killed"


SETS: dict[str, Callable[[Probe], bool]] = {
    "all": lambda probe: True,
    "all but one": lambda probe: probe.name != "memory",
    "some": lambda probe: DICE.random() < 0.3,
}


@pytest.mark.parametrize("which", SETS)
async def test_any_set_of_hung_items_leaves_a_valid_bundle(which: str, tmp_path: Path) -> None:
    """At the deadline the file is closed, complete and signed; each item is in it, with facts or the reason."""
    before = set(psutil.Process().children())
    environment = {"CASEPROBE_CONFIG_FOLDER": str(tmp_path), "CASEPROBE_STATE_FOLDER": str(tmp_path / "s")}
    stuck = [probe.name for probe in ALL if SETS[which](probe)]
    probes = tuple(hung(probe, 60.0) if probe.name in stuck else probe for probe in PROFILES["full"])
    shot = replace(await one_shot.build(load(environment, {}), FakePerson(None)), choose=lambda _: Chosen(probes))
    result = await shot.run(Order("full", 2.0, tmp_path / "out.zip"))
    with result.path.open("rb") as file:
        reader = BundleReader(file)
        verdict, snapshot = reader.verify(), reader.snapshot()
    assert (verdict.complete, verdict.hashes_ok, verdict.signed_by) == (True, True, "one-shot")
    assert [section.probe for section in snapshot.sections] == [probe.name for probe in probes]
    for section in snapshot.sections:
        assert section.WhichOneof("facts") or section.reason, section.probe
        assert section.probe not in stuck or section.outcome in GAPS
    started = set(psutil.Process().children()) - before
    _, alive = psutil.wait_procs(started, timeout=LONGEST_SECONDS)
    assert alive == []


async def test_a_collector_that_is_silent_leaves_time_to_measure(tmp_path: Path) -> None:
    """It gets a share of the deadline; then there is a whole bundle, kept, with the reason."""
    environment = {"CASEPROBE_CONFIG_FOLDER": str(tmp_path), "CASEPROBE_STATE_FOLDER": str(tmp_path / "s")}
    shot = await one_shot.build(load(environment, {}), FakePerson(True))

    async def say_nothing(_code: enrolment_pb2.JoinCode) -> Enrolled:
        await asyncio.Event().wait()
        raise AssertionError

    silent = replace(shot.sending, enrol=say_nothing)
    code = enrolment_pb2.JoinCode(address="collector.example.org:443")
    result = await replace(shot, sending=silent).run(Order("quick", 4.0, tmp_path / "out.zip", code))
    assert "did not answer within 1 s" in str(result.failure)
    with result.path.open("rb") as file:
        assert BundleReader(file).verify().complete


def test_the_deadline_covers_packing_too() -> None:
    """Measuring ends before it, an artifact that no longer fits is left out by name, and nothing is below zero."""
    now = 100.0
    deadline = Deadline(30.0, lambda: now)
    assert (deadline.left, deadline.measuring_seconds) == (30.0, 27.0)
    assert Deadline(2.0, lambda: now).measuring_seconds == pytest.approx(1.4)
    assert deadline.objection(8 << 20) == ""
    now = 128.0
    assert "the deadline of 30 s left no time" in deadline.objection(8 << 20)
    now = 140.0
    assert (deadline.left, deadline.measuring_seconds) == (0.0, 0.0)
    assert deadline.objection(1) and not deadline.objection(0)


def test_who_started_slowly_keeps_more_time_for_the_end() -> None:
    """The time counts from the start of the process; a machine on which that took long will take long to pack."""
    at = 100.0
    quick, slow, hopeless = (Deadline(10.0, lambda: at, begun_at=at - spent) for spent in (0.5, 4.0, 8.0))
    assert [one.left for one in (quick, slow, hopeless)] == [9.5, 6.0, 2.0]
    assert [one.measuring_seconds for one in (quick, slow, hopeless)] == [6.5, 2.0, 0.0]


def test_a_process_knows_when_it_was_started() -> None:
    """Before now and not before the machine; where the system does not tell, now."""
    before = time.monotonic()
    assert before - Machine().boottime_seconds() < started_at(Machine()) <= before
    assert before <= started_at(FakeMachine({})) <= time.monotonic()


def test_a_step_that_hangs_is_left_behind() -> None:
    """What is read in the parent is not waited for either; an error of the step is its own."""
    pipe, _ = os.pipe()
    with pytest.raises(MachineTimeout, match=r"within 0.05 s"):
        within(0.05, lambda: os.read(pipe, 1))
    with pytest.raises(ZeroDivisionError):
        within(5.0, lambda: 1 // 0)
    assert within(5.0, lambda: "read") == "read"
