"""Findings of one cascade: the root first, the others directly behind it and counted."""

from __future__ import annotations

from caseprobe.checks.folding import folded, groups, shown_state
from caseprobe.v1 import finding_pb2


def finding(check_id: str, subject: str = "", under: tuple[str, str] | None = None) -> finding_pb2.Finding:
    """A finding, folded under another one if told so."""
    made = finding_pb2.Finding(check_id=check_id, object=subject, state=finding_pb2.SEVERITY_WARN)
    if under:
        made.folded_under.check_id, made.folded_under.object = under
    return made


def test_what_follows_stands_behind_its_root_and_is_counted() -> None:
    """However the findings came, a group stays together."""
    ordered = folded(
        [
            finding("svc.failed", "db", ("log.kernel", "sda")),
            finding("mem.avail"),
            finding("log.kernel", "sda"),
            finding("disk.ro", "/", ("log.kernel", "sda")),
        ]
    )
    assert [(one.check_id, one.folded_total) for one in ordered] == [
        ("mem.avail", 0),
        ("log.kernel", 2),
        ("svc.failed", 0),
        ("disk.ro", 0),
    ]


def test_without_its_root_a_finding_stands_alone() -> None:
    """A root that is not there, or is folded itself, must not make a finding vanish."""
    chain = [
        finding("a", "", ("b", "")),
        finding("b", "", ("c", "")),
        finding("c", "", ("a", "")),
        finding("d", "", ("x", "")),
    ]
    ordered = folded(chain)
    assert len(ordered) == 4
    assert not any(one.HasField("folded_under") for one in ordered)


def test_two_roots_of_one_name_share_nothing() -> None:
    """The first takes what follows; nothing is shown twice."""
    found = groups([finding("a", "sda"), finding("a", "sda"), finding("b", "", ("a", "sda"))])
    assert [(root.check_id, [one.check_id for one in under]) for root, under in found] == [("a", ["b"]), ("a", [])]


def test_a_group_is_as_bad_as_the_worst_of_it() -> None:
    """A critical finding under a warning makes the group critical, and stands before other warnings."""
    worse = finding("disk.ro", "/", ("log.kernel", "sda"))
    worse.state = finding_pb2.SEVERITY_CRITICAL
    ordered = folded([finding("mem.avail"), finding("log.kernel", "sda"), worse])
    assert [one.check_id for one in ordered] == ["log.kernel", "disk.ro", "mem.avail"]
    assert [shown_state(group) for group in groups(ordered)] == [
        finding_pb2.SEVERITY_CRITICAL,
        finding_pb2.SEVERITY_WARN,
    ]
