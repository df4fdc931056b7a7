"""Which finding is the root of a cascade, and what must stand alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.checks.causes import link_causes
from caseprobe.checks.chains import CHAINS
from caseprobe.checks.folding import groups
from caseprobe.checks.topology import Topology
from caseprobe.v1 import finding_pb2, snapshot_pb2
from tests.evaluation import cascades

KINDS = sorted({kind for chain in CHAINS for kind in chain.kinds})


@pytest.mark.parametrize("scenario", cascades.SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_cascade_has_one_root(scenario: cascades.Scenario) -> None:
    """And nothing critical stands beside it; what has nothing to do with it does."""
    assert (cascades.verdict(scenario), cascades.orphans(scenario)) == ("", 0)


@given(
    st.lists(
        st.tuples(st.sampled_from(KINDS), st.sampled_from(["sda", "sda1", "ata1", "", "/"]), st.integers(0, 6)),
        max_size=30,
    )
)
def test_any_findings_fold_one_level_deep(rows: list[tuple[str, str, int]]) -> None:
    """Every follower names a root that is there and is no follower; none is lost, whatever the findings are."""
    findings = [
        finding_pb2.Finding(check_id=kind, object=subject, state=finding_pb2.Severity.ValueType(state))
        for kind, subject, state in rows
    ]
    link_causes(findings, snapshot_pb2.Snapshot())
    names = {(one.check_id, one.object, one.message_id) for one in findings if not one.HasField("folded_under")}
    followers = [one.folded_under for one in findings if one.HasField("folded_under")]
    assert all((one.check_id, one.object, one.message_id) in names for one in followers)
    assert sum(1 + len(under) for _, under in groups(findings)) == len(findings)


def test_what_lies_below_what() -> None:
    """By facts where there are some, by the names themselves, and by lines that name two of them."""
    quoting = finding_pb2.Finding(evidence=[finding_pb2.Evidence(text="sd 3:0:0:0: [sdx] rejecting I/O")])
    topology = Topology(snapshot_pb2.Snapshot(), [quoting])
    assert topology.one_thing("sda1", "sda") and topology.one_thing("/dev/sda2", "sda1")
    assert topology.one_thing("nvme0n1p2", "nvme0") and topology.one_thing("mmcblk0p1", "mmcblk0")
    assert topology.one_thing("jbd2/sda1-8", "sda") and topology.one_thing("3:0:0:0", "sdx1")
    assert not topology.one_thing("sda", "sdb") and not topology.one_thing("", "") and not topology.disks("dm-0")


def test_ties_that_run_in_a_circle_end() -> None:
    """A hostile section may tie anything to anything."""
    snapshot = snapshot_pb2.Snapshot()
    disks = snapshot.sections.add(probe="disks").disks
    for number in range(2000):
        disks.ties.add(name=f"dm-{number}", below=[f"dm-{number + 1}", "dm-0"])
    assert len(Topology(snapshot).under("dm-0")) <= 200
