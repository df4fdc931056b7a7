"""What a machine keeps of its snapshots: enough to tell growth and trends, in bounded space."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from caseprobe.checks.history import MOST_BYTES, OLDEST_SECONDS, remembered
from caseprobe.checks.past import elapsed_seconds
from caseprobe.v1 import finding_pb2, section_pb2, snapshot_pb2
from tests import fakes_sections as fakes


def snapshot(seconds: float, *probes: str, filler: int = 1) -> snapshot_pb2.Snapshot:
    """A judged snapshot taken so long after the boot, with one section of each probe."""
    made = fakes.snapshot(*(fakes.section(probe) for probe in probes or ("disks",)))
    made.boot_id, made.boottime_seconds = "one", 1000 + seconds
    for section in made.sections:
        section.lines.add(source="/proc/x", line=1, text="x" * 5000)
        if section.probe == "disks":
            section.disks.disks.add(name="d" * filler)
    made.coverage.add(check_id="disk.await", outcome=finding_pb2.SEVERITY_WARN, reason="because")
    made.findings.add(check_id="disk.await", object="sda", state=finding_pb2.SEVERITY_WARN).evidence.add(text="proof")
    return made


def kept_after(moments: list[float], *probes: str) -> list[snapshot_pb2.Snapshot]:
    """What is kept after snapshots at these moments."""
    history: list[snapshot_pb2.Snapshot] = []
    for moment in moments:
        history = remembered(history, snapshot(moment, *probes))
    return history


def ages(history: list[snapshot_pb2.Snapshot]) -> list[float]:
    """How old each is, seen from the newest."""
    return [elapsed_seconds(history[0], one) for one in history]


def test_facts_are_kept_and_what_proves_them_is_not() -> None:
    """Lines and evidence are in what was sent; later snapshots need the figures and the states only."""
    [one] = kept_after([0])
    assert one.sections[0].disks.disks[0].name == "d"
    assert not one.sections[0].lines
    assert not one.findings[0].evidence
    assert (one.findings[0].object, one.findings[0].state) == ("sda", finding_pb2.SEVERITY_WARN)


def test_snapshots_grow_thinner_with_age() -> None:
    """A week of one a minute leaves a handful, among them one of an hour and one of six hours and more."""
    found = ages(kept_after([60.0 * minute for minute in range(2000)]))
    assert len(found) <= 18
    assert found[:1] == [0]
    assert any(3600 <= age <= 3 * 3600 for age in found)
    assert any(6 * 3600 <= age <= 12 * 3600 for age in found)


def test_a_rare_measurement_outlives_many_frequent_ones() -> None:
    """The daily look at the disks is not pushed out by the figures of every minute."""
    history = remembered([], snapshot(0, "disks", "memory"))
    for minute in range(1, 200):
        history = remembered(history, snapshot(60 * minute, "memory"))
    assert [section.probe for one in history for section in one.sections if section.probe == "disks"] == ["disks"]


def test_states_come_from_the_newest_snapshot_only() -> None:
    """A level is held by how it stood last, not by how it ever stood."""
    first, *rest = kept_after([0, 1000, 9000])
    assert len(first.findings) == 1
    assert not any(one.findings or one.coverage for one in rest)


def test_what_failed_is_not_kept() -> None:
    """A section without facts is nothing to compare with."""
    made = snapshot(0)
    made.sections[0].outcome = section_pb2.PROBE_OUTCOME_TIMEOUT
    assert not [section for one in remembered([], made) for section in one.sections]


def test_old_ones_go_but_the_last_of_a_probe_stays() -> None:
    """A month is enough for trends; what was measured once only is the best there is."""
    history = remembered(kept_after([0], "disks", "memory"), snapshot(OLDEST_SECONDS + 9, "memory"))
    assert [section.probe for one in history for section in one.sections] == ["memory", "disks"]


@given(st.lists(st.tuples(st.floats(0, 1e7), st.integers(1, 60_000)), max_size=20))
def test_it_never_takes_more_room_than_allowed(taken: list[tuple[float, int]]) -> None:
    """Whatever a machine looks like and however its clock runs."""
    history: list[snapshot_pb2.Snapshot] = []
    for moment, size in taken:
        history = remembered(history, snapshot(moment, filler=size))
    assert sum(one.ByteSize() for one in history) <= MOST_BYTES
