"""Which findings came and which went."""

from __future__ import annotations

from caseprobe.diff import findings_between
from caseprobe.v1 import finding_pb2, snapshot_pb2

WARN, CRITICAL, OK, UNKNOWN = (
    finding_pb2.SEVERITY_WARN,
    finding_pb2.SEVERITY_CRITICAL,
    finding_pb2.SEVERITY_OK,
    finding_pb2.SEVERITY_UNKNOWN,
)


def snapshot(
    *findings: tuple[str, str, finding_pb2.Severity.ValueType], ran: finding_pb2.Severity.ValueType = OK
) -> snapshot_pb2.Snapshot:
    """A snapshot with these findings, in which the check disk.space ended so."""
    made = snapshot_pb2.Snapshot(coverage=[finding_pb2.Coverage(check_id="disk.space", outcome=ran)])
    for check_id, name, state in findings:
        made.findings.add(check_id=check_id, object=name, state=state)
    return made


def objects(findings: list[finding_pb2.Finding]) -> list[str]:
    """What the findings are about."""
    return [one.object for one in findings]


def test_one_that_came_is_new_and_one_that_went_is_gone() -> None:
    """Each by its check and its object; the worst of the new ones first."""
    before = snapshot(("disk.space", "/", WARN), ("disk.space", "/srv", WARN))
    after = snapshot(("disk.space", "/", WARN), ("disk.space", "/home", WARN), ("disk.space", "/var", CRITICAL))
    found, ended = findings_between(before, after)
    assert objects(found) == ["/var", "/home"]
    assert objects(ended) == ["/srv"]


def test_one_that_became_worse_is_new_and_one_that_became_better_is_neither() -> None:
    """A warning that is critical now is news; a critical one that is a warning now is still there."""
    warned, dire = snapshot(("disk.space", "/", WARN)), snapshot(("disk.space", "/", CRITICAL))
    assert objects(findings_between(warned, dire)[0]) == ["/"]
    assert findings_between(dire, warned) == ([], [])


def test_what_nobody_looked_at_is_not_gone() -> None:
    """The check could not run the second time: that is no good news."""
    assert findings_between(snapshot(("disk.space", "/", WARN)), snapshot(ran=UNKNOWN))[1] == []
