"""What a judge is told beside its section: the past, an operator's levels, and where a value stood before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.checks import check_snapshot
from caseprobe.checks.check import Check, Context
from caseprobe.checks.levels import Levels, fault
from caseprobe.checks.network import ALL as NETWORK
from caseprobe.overrides import Override
from caseprobe.v1 import finding_pb2, section_pb2, snapshot_pb2
from tests import fakes_sections as fakes

OK, WARN, CRITICAL = finding_pb2.SEVERITY_OK, finding_pb2.SEVERITY_WARN, finding_pb2.SEVERITY_CRITICAL
NOT_APPLICABLE = finding_pb2.SEVERITY_NOT_APPLICABLE
BUSY = Levels("busy_ratio", warn=0.85, critical=0.95, clear_warn=0.75, clear_critical=0.85)


def judge_disks(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Disks by how busy they are."""
    for disk in section.disks.disks:
        if reached := context.levels(BUSY, disk.name).reached(disk.busy_ratio):
            yield fault(reached, finding_pb2.CAUSE_DISK, {"busy_ratio": disk.busy_ratio}, [], disk.name)


CHECK = Check("test.busy", judge_disks, "disks", str(BUSY), "test", levels=(BUSY,))


def snapshot(busy: float | dict[str, float], seconds: float = 0.0, boot: str = "one") -> snapshot_pb2.Snapshot:
    """Disks this busy, so many seconds after the boot, judged without a past."""
    disks = busy if isinstance(busy, dict) else {"sda": busy}
    facts = section_pb2.DisksFacts(disks=[section_pb2.Disk(name=n, busy_ratio=b) for n, b in disks.items()])
    made = fakes.snapshot(fakes.section("disks", disks=facts))
    made.boot_id, made.boottime_seconds = boot, 1000.0 + seconds
    made.started_at.FromSeconds(round(1_800_000_000 + seconds))
    findings, coverage = check_snapshot(made, [CHECK])
    made.findings.extend(findings)
    made.coverage.extend(coverage)
    return made


def states(
    now: snapshot_pb2.Snapshot, *overrides: Override, previous: snapshot_pb2.Snapshot | None = None
) -> dict[str, int]:
    """State of each disk that is not well."""
    findings, _ = check_snapshot(now, [CHECK], previous=previous, overrides=overrides)
    return {finding.object: finding.state for finding in findings}


@pytest.mark.parametrize(
    ("before", "now", "state"),
    [
        (0.70, 0.80, OK),
        (0.86, 0.80, WARN),
        (0.86, 0.74, OK),
        (0.96, 0.90, CRITICAL),
        (0.96, 0.84, WARN),
        (0.96, 0.74, OK),
        (0.80, 0.86, WARN),
    ],
)
def test_a_level_that_was_reached_holds_until_it_clears(before: float, now: float, state: int) -> None:
    """Between the level and its clear level the state before decides, so that a wavering value does not flap."""
    assert states(snapshot(now, 60), previous=snapshot(before)).get("sda", OK) == state


def test_only_what_stood_there_is_held() -> None:
    """The state of one disk says nothing about another one."""
    before, now = snapshot({"sda": 0.9, "sdb": 0.1}), snapshot({"sda": 0.8, "sdb": 0.8}, 60)
    assert states(now, previous=before) == {"sda": WARN}


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_past_never_makes_a_value_look_better(before: float, now: float) -> None:
    """Hysteresis only ever keeps a state; what is past a level is past it whatever came before."""
    held = states(snapshot(now, 60), previous=snapshot(before)).get("sda", OK)
    assert held >= states(snapshot(now, 60)).get("sda", OK)


def test_an_operator_states_levels_for_a_check_and_for_some_objects() -> None:
    """The later and narrower statement holds for the disks that it names; its file is named as the source."""
    general = Override("test.busy", "agent.toml", warn=0.5)
    narrow = Override("test.busy", "agent.toml", pattern="sd[bc]", warn=0.97, critical=0.99)
    now = snapshot({"sda": 0.6, "sdb": 0.96, "sdc": 0.98})
    assert states(now, general, narrow) == {"sda": WARN, "sdc": WARN}
    findings, _ = check_snapshot(now, [CHECK], overrides=(general, narrow))
    assert {finding.threshold_source for finding in findings} == {"set in agent.toml"}
    assert findings[0].threshold == "busy_ratio >= 0.5"


def test_an_override_of_another_check_changes_nothing() -> None:
    """A statement holds for the check that it names."""
    assert states(snapshot(0.9), Override("test.other", "agent.toml", warn=0.99, enabled=False)) == {"sda": WARN}


def test_what_is_switched_off_is_named_in_the_coverage() -> None:
    """A check or an object that an operator does not want judged is never silently gone."""
    off = Override("test.busy", "/etc/caseprobe/agent.toml", enabled=False)
    findings, [coverage] = check_snapshot(snapshot(0.9), [CHECK], overrides=(off,))
    assert (findings, coverage.outcome, coverage.message_id) == ([], NOT_APPLICABLE, "switched_off")
    assert coverage.reason == "switched off by /etc/caseprobe/agent.toml"
    one = Override("test.busy", "agent.toml", pattern="sda", enabled=False)
    findings, [coverage] = check_snapshot(snapshot({"sda": 0.9, "sdb": 0.9}), [CHECK], overrides=(one,))
    assert [finding.object for finding in findings] == ["sdb"]
    assert coverage.reason == "1 switched off by agent.toml: sda"


def test_an_object_can_be_switched_on_again() -> None:
    """The later of two statements holds."""
    every = Override("test.busy", "agent.toml", pattern="sd*", enabled=False)
    one = Override("test.busy", "agent.toml", pattern="sda", enabled=True)
    assert states(snapshot({"sda": 0.9, "sdb": 0.9}), every, one) == {"sda": WARN}


def told(now: snapshot_pb2.Snapshot, *earlier: snapshot_pb2.Snapshot) -> Context:
    """The context that a judge is given."""
    seen: list[Context] = []

    def look(_section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
        seen.append(context)
        return iter(())

    check_snapshot(now, [Check("test.look", look, "disks", "none", "test")], earlier=earlier)
    return seen[0]


def test_without_a_past_there_is_no_previous_section() -> None:
    """A first snapshot has nothing to grow from."""
    context = told(snapshot(0.1))
    assert (context.previous, context.elapsed_seconds, context.history) == (None, 0.0, ())
    assert context.since(60) is None


def test_growth_is_measured_over_an_hour_where_so_much_is_kept() -> None:
    """Of several earlier snapshots the youngest that is old enough is the one to compare with, else the oldest."""
    earlier = [snapshot(0.1, 10_000 - age) for age in (60, 1800, 4000, 9000)]
    context = told(snapshot(0.1, 10_000), *earlier)
    assert context.elapsed_seconds == 4000
    assert [past.elapsed_seconds for past in context.history] == [60, 1800, 4000, 9000]
    assert told(snapshot(0.1, 10_000), *earlier[:2]).elapsed_seconds == 1800
    past = context.since(5000)
    assert past is not None
    assert past.elapsed_seconds == 9000


def test_a_clock_that_went_back_gives_no_time() -> None:
    """Across a restart only the wall clock tells, and one that runs backwards tells nothing."""
    context = told(snapshot(0.1, -500, boot="two"), snapshot(0.1, 0, boot="one"))
    assert context.previous is not None
    assert (context.elapsed_seconds, context.same_boot) == (0.0, False)


def test_a_section_that_was_not_read_is_no_past() -> None:
    """What could not be measured is nothing to grow from."""
    old = snapshot(0.1)
    old.sections[0].outcome = section_pb2.PROBE_OUTCOME_DENIED
    assert told(snapshot(0.1, 60), old).previous is None


@given(
    st.floats(0, 1),
    st.floats(0, 1),
    st.one_of(st.none(), st.floats(0, 1)),
    st.one_of(st.none(), st.floats(0, 1)),
    st.booleans(),
)
def test_stated_levels_never_cross(
    warn: float, critical: float, new_warn: float | None, new_critical: float | None, below: bool
) -> None:
    """Whatever an operator states of two levels that stand right, critical stays the worse one."""
    warn, critical = sorted((warn, critical), reverse=below)
    levels = Levels("x_ratio", warn, critical, below).stated(new_warn, new_critical if new_warn is None else None)
    assert levels.warn is not None
    assert levels.critical is not None
    assert levels.critical <= levels.warn if below else levels.critical >= levels.warn


def test_a_trend_says_what_else_changed() -> None:
    """Beside its own proof a finding that grew names what was changed on the machine since, and only then."""
    earlier, now = (
        fakes.snapshot(
            fakes.section(
                "interfaces",
                interfaces=section_pb2.InterfacesFacts(
                    interfaces=[
                        section_pb2.Interface(name="eth0", kind="physical", state="up", carrier_changes_total=n)
                    ]
                ),
            ),
            fakes.section("system", system=section_pb2.SystemFacts(kernel_release=release)),
        )
        for n, release in ((2, "6.1"), (40, "6.5"))
    )
    earlier.boottime_seconds -= 7200
    [finding] = check_snapshot(now, NETWORK, previous=earlier)[0]
    assert finding.kind == finding_pb2.FINDING_KIND_TREND
    assert [one.text for one in finding.evidence if one.source.startswith("what changed")] == [
        "system kernel_release: 6.1 → 6.5"
    ]
    [alone] = check_snapshot(now, NETWORK)[0]
    assert not [one for one in alone.evidence if one.source.startswith("what changed")]
