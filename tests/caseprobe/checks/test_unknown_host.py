"""What checks of the host cannot tell: without a past, without leave to ask, across a restart."""

from __future__ import annotations

import pytest
from google.protobuf.message import Message

from caseprobe.checks import ALL, check_snapshot
from caseprobe.v1 import finding_pb2
from caseprobe.v1 import section_host_pb2 as host
from caseprobe.v1 import section_pb2 as pb
from tests import fakes_sections
from tests.fakes_faults import fault
from tests.fakes_near_host import resident
from tests.fakes_sections import GIB, section

CHECKS = {check.id: check for check in ALL}


def judged(check_id: str, facts: Message, earlier: tuple[Message, ...] = ()) -> tuple[list[object], str]:
    """What the check found, and why it could not judge."""
    now = fault(check_id, facts, ("", "", "")).section
    past = [section(now.probe, **{now.probe: one}) for one in earlier]
    snapshot, before = fakes_sections.with_past(now, past)
    findings, [coverage] = check_snapshot(snapshot, [CHECKS[check_id]], earlier=before)
    return list(findings), coverage.message_id


def test_what_needs_a_past_says_so() -> None:
    """Neither well nor a fault: the next snapshots will tell."""
    for check_id, facts in (
        ("mem.leak", resident(1000)),
        ("mem.hugefrag", pb.MemoryFacts(large_free_blocks_total=0, compaction_failures_total=7)),
    ):
        assert judged(check_id, facts) == ([], "no_past")


def test_what_was_not_asked_is_not_well() -> None:
    """Servers that nobody may ask leave their checks unknown, with what it would take."""
    unasked = section("time_sync", time_sync=host.TimeSyncFacts(servers=[host.TimeServer(name="a")]))
    reason = pb.Shortfall(field="dns.resolvers", outcome=pb.PROBE_OUTCOME_DENIED, needs="network probes")
    silent = section("dns", dns=host.DnsFacts(resolvers=[host.Resolver(address="192.0.2.1")]), shortfalls=[reason])
    for check_id, given in (("time.server", unasked), ("dns.resolver", silent)):
        findings, [coverage] = check_snapshot(fakes_sections.snapshot(given), [CHECKS[check_id]])
        assert findings == []
        assert (coverage.message_id, coverage.needs) == ("denied", "network probes")


BEFORE_A_RESTART: tuple[tuple[str, Message, Message], ...] = (
    ("cpu.busy", pb.CpuFacts(busy_seconds_total=9000, all_seconds_total=90_000), pb.CpuFacts(all_seconds_total=80_000)),
    (
        "cpu.iowait",
        pb.CpuFacts(iowait_seconds_total=9000, all_seconds_total=90_000),
        pb.CpuFacts(all_seconds_total=80_000),
    ),
    (
        "cpu.steal",
        pb.CpuFacts(steal_seconds_total=9000, all_seconds_total=90_000),
        pb.CpuFacts(all_seconds_total=80_000),
    ),
    (
        "mem.swapio",
        pb.MemoryFacts(total_bytes=GIB, swap_total_bytes=GIB, swap_out_bytes_total=GIB),
        pb.MemoryFacts(swap_out_bytes_total=0),
    ),
)


@pytest.mark.parametrize(("check_id", "facts", "before"), BEFORE_A_RESTART, ids=lambda given: str(given)[:10])
def test_counters_from_before_a_restart_are_not_compared(check_id: str, facts: Message, before: Message) -> None:
    """They began anew: the same numbers would be a fault within one boot."""
    now = fault(check_id, facts, ("", "", "")).section
    for same_boot in (True, False):
        snapshot, [old] = fakes_sections.with_past(now, [section(now.probe, **{now.probe: before})])
        old.boot_id = "one" if same_boot else "another"
        findings, _ = check_snapshot(snapshot, [CHECKS[check_id]], previous=old)
        assert [finding.state >= finding_pb2.SEVERITY_WARN for finding in findings] == [True] * same_boot
