"""Old snapshots by today's rules: what they say now, and what was said then."""

from __future__ import annotations

from caseprobe.v1 import finding_pb2, section_pb2, snapshot_pb2
from caseprobe_collector.access import Role
from caseprobe_collector.analysis import judged_anew
from tests.worlds_console import Desk

GIB = 1 << 30


def taken(used_ratio: float) -> snapshot_pb2.Snapshot:
    """A snapshot of a machine whose /var is so full, with a finding of rules that are no more."""
    snapshot = snapshot_pb2.Snapshot(snapshot_id="snap_old")
    section = snapshot.sections.add(probe="filesystems", outcome=section_pb2.PROBE_OUTCOME_OK)
    used = int(40 * GIB * used_ratio)
    var = section.filesystems.filesystems.add(mount_point="/var", device="/dev/sda2", type="ext4", measured=True)
    var.total_bytes, var.used_bytes, var.available_bytes = 40 * GIB, used, 40 * GIB - used
    snapshot.findings.add(check_id="disk.inodes", state=finding_pb2.SEVERITY_CRITICAL, object="/var")
    snapshot.coverage.add(check_id="disk.inodes", outcome=finding_pb2.SEVERITY_CRITICAL)
    return snapshot


def test_what_todays_rules_find_is_told_apart_from_what_was_said_then() -> None:
    """A full filesystem of which nothing was said comes; the snapshot itself stays as it was."""
    snapshot = taken(0.99)
    before = snapshot.SerializeToString()
    anew = judged_anew(snapshot)
    assert ("disk.space", "/var") in {(one.check_id, one.object) for one in anew.come}
    assert [one.check_id for one in anew.snapshot.findings].count("disk.inodes") == 0
    assert snapshot.SerializeToString() == before


def test_where_the_rules_agree_nothing_comes_and_nothing_goes() -> None:
    """Judged twice by the same rules is judged once."""
    once = judged_anew(taken(0.99)).snapshot
    again = judged_anew(once)
    assert (again.come, again.gone) == ([], [])


async def test_the_page_and_the_answer_tell_both() -> None:
    """Findings by today's rules, the verdict over them, and where growth is measured from."""
    client = Desk().as_role(Role.VIEWER)
    told = (await client.get("/api/v1/snapshots/snap_acme/judgement")).json()
    assert set(told) == {"snapshot", "verdict", "findings", "come", "gone", "coverage", "previous_id"}
    assert told["verdict"] and told["coverage"]
    text = (await client.get("/snapshots/snap_acme/judgement")).text
    assert "No longer said" in text
