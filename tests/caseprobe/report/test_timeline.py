"""The timeline: what has a date comes in order, once, with who tells it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from caseprobe.report import render_report
from caseprobe.report.events import events
from caseprobe.report.words import Words
from caseprobe.v1 import section_history_pb2, section_pb2, snapshot_pb2
from caseprobe.v1 import section_host_pb2 as host
from tests.fakes_sections import section

NOW = 1_795_311_180
HOUR = 3600
DAY = 24 * HOUR
ENGLISH = Words("en")


def at(seconds: int) -> Timestamp:
    """A moment."""
    return Timestamp(seconds=seconds)


def fault(seconds: int, subject: str = "sdb", fault_class: str = "blk_io_error") -> section_pb2.LogFault:
    """A line of a fault."""
    return section_pb2.LogFault(fault_class=fault_class, object=subject, at=at(seconds))


def log(*faults: section_pb2.LogFault, first: int = NOW - DAY) -> section_pb2.LogFacts:
    """A log that reaches back so far."""
    return section_pb2.LogFacts(faults=list(faults), first_at=at(first))


def taken(*sections: section_pb2.Section) -> snapshot_pb2.Snapshot:
    """A snapshot of a machine that was started two days ago."""
    system = section("system", system=section_pb2.SystemFacts(booted_at=at(NOW - 2 * DAY)))
    return snapshot_pb2.Snapshot(started_at=at(NOW), sections=[system, *sections])


def told(snapshot: snapshot_pb2.Snapshot) -> list[tuple[int, str]]:
    """Hours before the measuring, and the sentence."""
    return [(round((NOW - one.at) / HOUR), one.sentence) for one in events(snapshot, ENGLISH)]


def test_every_dated_fact_is_an_event_in_order() -> None:
    """Start, fault, service, crash, certificate and the measuring itself, the oldest first."""
    unit = host.Unit(name="db.service", state="failed", result="exit-code", changed_at=at(NOW - 3 * HOUR))
    dump = host.Dump(kind="program", program="postgres", path="/var/crash/p", at=at(NOW - 4 * HOUR))
    ended = host.Certificate(source="/etc/tls/a.pem", not_after=at(NOW - HOUR))
    far = host.Certificate(source="/etc/tls/b.pem", not_after=at(NOW + 300 * DAY))
    found = taken(
        section("kernel_log", kernel_log=log(fault(NOW - 5 * HOUR))),
        section("services", services=host.ServicesFacts(units=[unit, host.Unit(name="ok", state="active")])),
        section("crashes", crashes=host.CrashesFacts(dumps=[dump])),
        section("certificates", certificates=host.CertificatesFacts(certificates=[ended, far], measured_at=at(NOW))),
    )
    assert told(found) == [
        (48, "The machine was started"),
        (5, "Disk sdb could not read or write (1 log line)"),
        (4, "postgres crashed and left a dump"),
        (3, "db.service failed (exit-code)"),
        (1, "The certificate /etc/tls/a.pem ends"),
        (0, "This was measured"),
    ]


def test_lines_of_one_fault_that_are_near_are_one_event() -> None:
    """A burst is told once with how long it lasted; a later one again."""
    faults = [fault(NOW - 5 * HOUR + second) for second in (0, 40, 300)] + [fault(NOW - HOUR)]
    found = events(taken(section("kernel_log", kernel_log=log(*faults))), ENGLISH)
    spans = [(one.sentence[-13:], one.until - one.at) for one in found if one.origin == "section_kernel_log"]
    assert spans == [("(3 log lines)", 300), (" (1 log line)", 0)]


def test_the_system_log_is_asked_only_for_what_the_ring_no_longer_holds() -> None:
    """Both tell the kernel's lines: what stands in both is one event."""
    ring = section("kernel_log", kernel_log=log(fault(NOW - 2 * HOUR), first=NOW - 3 * HOUR))
    text = log(fault(NOW - 2 * HOUR), fault(NOW - 30 * HOUR), first=NOW - 40 * HOUR)
    found = events(taken(ring, section("system_log", system_log=text)), ENGLISH)
    assert [one.origin for one in found] == ["section_system", "section_system_log", "section_kernel_log", "snapshot"]


def test_what_the_agent_counted_stands_in_for_logs_that_a_restart_emptied() -> None:
    """Steps with a fault are bursts; what the kernel's own log still tells is not told twice."""
    series = section_history_pb2.Series(name="kernel.fault.blk_io_error", object="sdb", step_seconds=300)
    series.start_at.seconds = NOW - 30 * HOUR
    series.avg.extend([2.0, 3.0, *[math.nan] * 300, 1.0])
    history = section("history", history=section_history_pb2.HistoryFacts(series=[series, series]))
    ring = section("kernel_log", kernel_log=log(fault(NOW - 2 * HOUR), first=NOW - 6 * HOUR))
    found = [one for one in events(taken(history, ring), ENGLISH) if one.origin == "section_history"]
    assert [(one.sentence, one.until - one.at) for one in found] == [
        ("The kernel told of a fault: blk_io_error sdb", 600)
    ]


def test_moments_since_boot_are_set_on_the_wall_or_left_out() -> None:
    """A ring without a wall clock counts from the start; without the start it tells no moment."""
    ring = section("kernel_log", kernel_log=log(fault(HOUR), first=1))
    assert (47, "Disk sdb could not read or write (1 log line)") in told(taken(ring))
    assert events(snapshot_pb2.Snapshot(sections=[ring]), ENGLISH) == []


def test_a_start_without_a_shutdown_before_it_says_so() -> None:
    """A power cut is an event."""
    cut = taken()
    cut.sections[0].system.clean_shutdown = False
    assert told(cut)[0] == (48, "The machine was started, and had not been shut down before")


def test_the_time_that_was_asked_for_stands_in_the_timeline() -> None:
    """With what the owner wrote at a mark; a window without marks has its two ends."""
    asked = taken()
    asked.window.origin, asked.window.from_text = "marks", "click Save"
    asked.window.from_at.seconds, asked.window.to_at.seconds = NOW - 3 * HOUR, NOW - 2 * HOUR
    assert told(asked)[1:3] == [(3, "The owner set a mark before: click Save"), (2, "The owner set a mark after")]


def hours(page: str) -> Sequence[str]:
    """The moments on a page in its order."""
    return re.findall(r'<time datetime="([^"]+)"', page)


def test_many_events_are_folded_and_none_is_lost() -> None:
    """The newest are seen at once, the others behind a click, and the page stays in order."""
    faults = [fault(NOW - hour * HOUR, f"sd{hour}") for hour in range(1, 40)]
    page = render_report(taken(section("kernel_log", kernel_log=log(*faults, first=NOW - 2 * DAY))))
    assert "21 earlier events" in page
    assert len(hours(page)) == 41
    assert list(hours(page)) == sorted(hours(page))


def test_a_moment_that_is_no_date_is_left_out() -> None:
    """A log may tell the year 200000."""
    page = render_report(taken(section("kernel_log", kernel_log=log(fault(2**50), fault(NOW - HOUR)))))
    assert len(hours(page)) == 3


def test_packages_that_changed_in_one_go_are_one_event() -> None:
    """With their versions in signs, each once, the first few of many by name."""
    change, moment = host.PackageChange, at(NOW - 2 * HOUR)
    few = [
        change(at=moment, action="upgraded", name="libssl3", version_before="3.0.15", version_after="3.0.16"),
        change(at=moment, action="upgraded", name="libssl3", version_before="3.0.15", version_after="3.0.16"),
        change(at=at(NOW - 2 * HOUR + 60), action="removed", name="vim", version_before="9.0"),
        change(at=at(NOW - 2 * HOUR + 61), action="upgraded", name="openssl", version_after="1:3.0.7"),
    ]
    many = [change(at=at(NOW - HOUR), action="installed", name=f"p{number}") for number in range(7)]
    found = taken(section("packages", packages=host.PackagesFacts(changes=[*many, *few])))
    assert told(found)[1:-1] == [
        (2, "3 changes of packages: libssl3 3.0.15 → 3.0.16, −vim 9.0, openssl → 1:3.0.7"),
        (1, "7 changes of packages: +p0, +p1, +p2, +p3, +p4, …"),
    ]
