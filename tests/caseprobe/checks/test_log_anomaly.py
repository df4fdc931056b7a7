"""What is new in a log is told against the machine's own past, and only then."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from caseprobe import texts
from caseprobe.checks import check_snapshot
from caseprobe.checks.history import remembered
from caseprobe.checks.log_anomaly import ALL
from caseprobe.checks.log_baseline import KNOWN_AT_MOST, template_hash
from caseprobe.parse.logs.facts import facts_of
from caseprobe.parse.logs.text import LogText, syslog_parser
from caseprobe.v1 import finding_pb2, section_pb2, snapshot_pb2

DAY = 86400
HOURLY = [f"<11>2026-11-20T0{hour}:00:00Z db7 backup[7]: error: disk {hour} is slow" for hour in range(5)]
NEW = [f"<11>2026-11-20T07:00:0{second}Z db7 app[9]: cannot open table t{second}" for second in range(4)]
FAULT = "<3>2026-11-20T08:00:00Z db7 kernel: EXT4-fs error (device sda1): ext4_lookup:1: deleted inode"


def snapshot(lines: list[str], day: int) -> snapshot_pb2.Snapshot:
    """A snapshot with this log, so many days after the first."""
    parse = syslog_parser(datetime(2026, 11, 22, tzinfo=UTC), 0)
    made = snapshot_pb2.Snapshot(agent_id="agent_1", boot_id="one", boottime_seconds=float(day * DAY))
    made.started_at.FromSeconds((20_000 + day) * DAY)
    section = made.sections.add(probe="system_log", outcome=section_pb2.PROBE_OUTCOME_OK)
    section.system_log.CopyFrom(facts_of(LogText("".join(f"{line}\n" for line in lines), parse)))
    return made


def judged(now: snapshot_pb2.Snapshot, *earlier: snapshot_pb2.Snapshot) -> list[tuple[str, str, str, int]]:
    """Message, object, state and number of evidence lines of each finding."""
    findings, _ = check_snapshot(now, ALL, earlier=earlier)
    return [(one.message_id, one.object, texts.state_name(one.state), len(one.evidence)) for one in findings]


def test_a_new_kind_of_error_is_told_once() -> None:
    """With its newest line; what came before is not new, nor is it the next time; a known fault is not our business."""
    first, second = snapshot(HOURLY, 0), snapshot([*HOURLY, *NEW, FAULT], 2)
    assert judged(second, first) == [("new", "app", "warn", 1)]
    (finding,), _ = check_snapshot(second, ALL, earlier=[first])
    assert finding.evidence[0].text == NEW[-1] and finding.evidence[0].line == 9
    assert "errors of 1 kind that this machine never wrote before (4 log lines)" in texts.summary(finding)
    assert judged(snapshot([*HOURLY, *NEW], 3), second, first) == []


def test_a_single_line_is_a_remark() -> None:
    """And a message without error level is none."""
    quiet = NEW[0].replace("<11>", "<14>").replace("table", "chair")
    assert judged(snapshot([*HOURLY, NEW[0], quiet], 2), snapshot(HOURLY, 0)) == [("new", "app", "info", 1)]


@pytest.mark.parametrize("earlier", [[], [snapshot(HOURLY, 2)]])
def test_without_a_day_behind_it_nothing_is_new(earlier: list[snapshot_pb2.Snapshot]) -> None:
    """The check is unknown and says what it waits for."""
    findings, (coverage,) = check_snapshot(snapshot([*HOURLY, *NEW], 2), ALL, earlier=earlier)
    assert findings == [] and coverage.outcome == finding_pb2.SEVERITY_UNKNOWN and "after a day" in coverage.reason


def test_a_burst_is_told_against_the_usual() -> None:
    """A hundred within a minute where five were the most; a kind that always came so often is no burst."""
    usual = [f"<14>2026-11-20T01:0{n % 4}:{n % 60:02}Z db7 app[9]: request {n} took long" for n in range(20)]
    many = [f"<14>2026-11-20T07:00:{n % 60:02}Z db7 app[9]: request {n} took long" for n in range(100)]
    assert judged(snapshot(many, 2), snapshot(usual, 0)) == [("burst", "app", "info", 1)]
    assert judged(snapshot(many, 2), snapshot(many, 0)) == []


def test_what_was_ever_known_stays_known_in_bounded_room() -> None:
    """Old sections are dropped or thinned; the newest one that is kept carries their kinds along, without lines."""
    kept: list[snapshot_pb2.Snapshot] = []
    for day in range(40):
        kept = remembered(kept, snapshot([f"<11>2026-11-20T01:00:00Z db7 app: odd {'x' * day} thing"], day))
    newest = kept[0].sections[0].system_log
    assert len(newest.known_templates) == 40 <= KNOWN_AT_MOST
    assert not any(one.sections[0].system_log.known_templates for one in kept[1:] if one.sections)
    assert {template_hash(one) for one in newest.templates} <= set(newest.known_templates)
    assert not any(
        template.text for one in kept for section in one.sections for template in section.system_log.templates
    )
    assert judged(snapshot(["<11>2026-11-20T01:00:00Z db7 app: odd xx thing"] * 5, 41), *kept) == []
