"""Snapshots of a timetable follow one another: each line of a log is told once, whatever becomes of the log between."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.parse.logs.facts import lines_until
from caseprobe.parse.logs.place import CONTEXT_LINES, Place, place_from, sequences_with
from caseprobe.parse.logs.text import LogText, syslog_parser
from caseprobe.v1 import section_pb2
from caseprobe_agent.machine import text_logs
from caseprobe_agent.probes import kernel_log, system_log
from tests.fakes_journal import BEGIN_MICROSECONDS, journal_bytes
from tests.fakes_machine import FakeClock, FakeMachine, File

SYSLOG = "/var/log/syslog"
JOURNAL = "/var/log/journal/0123456789abcdef0123456789abcdef/system.journal"
RING, BOOT_ID = kernel_log.RING, kernel_log.BOOT_ID
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
HOUR = 3600.0


def machine(files: dict[str, File]) -> FakeMachine:
    """A machine that booted a day ago."""
    return FakeMachine(files, clock=FakeClock(wall_seconds=NOW, boottime_seconds=24 * HOUR))


def line(seconds_ago: float, text: str) -> str:
    """A line of syslog."""
    return f"{datetime.fromtimestamp(NOW - seconds_ago, UTC).isoformat(timespec='microseconds')} db7 kernel: {text}\n"


def reset(port: int, seconds_ago: float = 60.0) -> str:
    """A line of a fault."""
    return line(seconds_ago, f"ata{port}: hard resetting link")


def system(files: dict[str, File], place: str | None) -> tuple[section_pb2.LogFacts, str, list[str]]:
    """The facts of the system's log, where it was left, and the lines of its artifact."""
    measured = system_log.measure(machine(files), place)
    assert isinstance(measured.facts, section_pb2.LogFacts)
    return measured.facts, measured.place, measured.artifacts[0].data.decode().splitlines()


def ports(facts: section_pb2.LogFacts) -> list[str]:
    """What the faults name, the oldest first."""
    return [fault.object for fault in reversed(facts.faults)]


def told(runs: Iterable[dict[str, File]], place: str = "") -> list[list[str]]:
    """What each of some snapshots tells, one after the other."""
    found = []
    for files in runs:
        facts, place, _ = system(files, place)
        found.append(ports(facts))
    return found


def test_a_fault_is_told_once_and_what_came_before_it_is_shown() -> None:
    """The second snapshot counts only what is new; its line numbers are those of its artifact."""
    first, place, _ = system({SYSLOG: reset(1, 120) + line(110, "up")}, "")
    assert (ports(first), first.lines_total, first.told_lines_total) == (["ata1"], 2, 0)
    second, _, lines = system({SYSLOG: reset(1, 120) + line(110, "up") + reset(2)}, place)
    assert (ports(second), second.lines_total, second.told_lines_total, second.truncated) == (["ata2"], 1, 2, False)
    assert lines[second.faults[0].line - 1].endswith("ata2: hard resetting link")
    assert second.first_at == second.last_at
    assert sum(one.lines_total for one in second.templates) == 1


def test_a_session_reads_everything_and_remembers_nothing() -> None:
    """Somebody who asks what is wrong must see it all."""
    facts, place, _ = system({SYSLOG: reset(1) + "half a line"}, None)
    assert (ports(facts), facts.lines_total, place) == (["ata1"], 2, "")


def test_nothing_new_is_no_fault() -> None:
    """As often as it is read."""
    files: dict[str, File] = {SYSLOG: reset(1)}
    assert told([files] * 3) == [["ata1"], [], []]


def test_a_line_that_is_being_written_is_told_when_it_is_whole() -> None:
    """Neither twice nor in halves."""
    whole = reset(1) + reset(2)
    assert told([{SYSLOG: whole[:-9]}, {SYSLOG: whole[:-1]}, {SYSLOG: whole}]) == [["ata1"], [], ["ata2"]]


@pytest.mark.parametrize("name", ["syslog.1", "syslog-20261122", "syslog.0"])
def test_a_log_is_followed_over_its_rotation(name: str) -> None:
    """What was written to the old file after it was read is told with what the new one holds, in order."""
    runs: list[dict[str, File]] = [
        {SYSLOG: reset(1, 90)},
        {f"/var/log/{name}": reset(1, 90) + reset(2, 80), SYSLOG: reset(3, 70)},
        {f"/var/log/{name}": reset(1, 90) + reset(2, 80), SYSLOG: reset(3, 70) + reset(4)},
    ]
    assert told(runs) == [["ata1"], ["ata2", "ata3"], ["ata4"]]


def test_a_log_that_was_copied_and_cut_is_followed() -> None:
    """copytruncate keeps the inode: the file is known again by what stands before the place."""
    old = "".join(reset(1, 200 - number) for number in range(40))
    new = "".join(reset(3, 100 - number) for number in range(50))
    found = told([{SYSLOG: old}, {"/var/log/syslog.1": old + reset(2, 110), SYSLOG: new}])
    assert (set(found[0]), found[1][:1], set(found[1][1:])) == ({"ata1"}, ["ata2"], {"ata3"})


def test_where_the_old_file_is_gone_time_tells() -> None:
    """Packed at once, or deleted; what the new file holds is new, but for lines that were copied into it."""
    runs: list[dict[str, File]] = [
        {SYSLOG: reset(1, 90.5)},
        {"/var/log/syslog.1.gz": b"\x1f\x8b", SYSLOG: reset(9, 95) + reset(1, 90.5) + reset(2)},
    ]
    assert told(runs) == [["ata1"], ["ata2"]]


@pytest.mark.parametrize(
    "place", ["lost", "[1, 2", '["", "x", 5, {}, []]', '["/var/log/syslog", null, {}, -1, ""]', "[" * 9000]
)
def test_a_place_that_makes_no_sense_is_a_day_ago(place: str) -> None:
    """What is older was told, or will not be."""
    files: dict[str, File] = {SYSLOG: reset(1, 30 * HOUR) + reset(2, 20 * HOUR)}
    assert told([files], place) == [["ata2"]]


def test_a_place_in_the_future_hides_nothing() -> None:
    """A clock that was set back."""
    place = Place("elsewhere", NOW + HOUR).written()
    assert told([{SYSLOG: reset(1)}], place) == [["ata1"]]


def test_what_recurs_is_told_by_lines_of_both_snapshots() -> None:
    """A link that went down twice before and once since flaps."""
    downs = [line(90 - number, "e1000e: eth0 NIC Link is Down") for number in range(3)]
    before: dict[str, File] = {SYSLOG: "".join(downs[:2])}
    facts, place, _ = system(before, "")
    assert [fault.fault_class for fault in facts.faults] == []
    facts, _, _ = system({SYSLOG: "".join(downs)}, place)
    assert [(fault.fault_class, fault.object) for fault in facts.faults] == [("link_flap", "eth0")]


def test_little_of_what_was_told_comes_along() -> None:
    """As many lines as a person wants to see before a fault."""
    old = "".join(line(5000 - number, f"message {number}") for number in range(3000))
    _, place, _ = system({SYSLOG: old}, "")
    facts, _, lines = system({SYSLOG: old + reset(1)}, place)
    assert (facts.told_lines_total, len(lines)) == (CONTEXT_LINES, CONTEXT_LINES + 1)
    assert lines[0].endswith(f"message {3000 - CONTEXT_LINES}")


def test_more_than_fits_is_said_to_be_cut() -> None:
    """The newest part is read, and the place is its end all the same."""
    _, place, _ = system({SYSLOG: reset(1, 9000)}, "")
    much = "".join(
        line(8000 - number % 7000, f"a message of some length {'x' * 200} {number}") for number in range(6000)
    )
    facts, place, _ = system({SYSLOG: reset(1, 9000) + much + reset(2)}, place)
    assert (facts.truncated, ports(facts), facts.told_lines_total) == (True, ["ata2"], 0)
    assert told([{SYSLOG: reset(1, 9000) + much + reset(2) + reset(3)}], place) == [["ata3"]]


def test_the_journal_goes_on_by_its_own_count() -> None:
    """A writer's sequence tells, not the clock."""
    entries = [_entry(number) for number in range(1, 8)]
    facts, place, _ = system({JOURNAL: journal_bytes(entries[:4])}, "")
    assert (ports(facts), facts.source) == (["ata1", "ata2", "ata3", "ata4"], "journal")
    facts, place, lines = system({JOURNAL: journal_bytes(entries)}, place)
    assert (ports(facts), facts.told_lines_total, len(lines)) == (["ata5", "ata6", "ata7"], 4, 7)
    assert told([{JOURNAL: journal_bytes(entries)}], place) == [[]]


def test_another_writers_journal_goes_on_by_time() -> None:
    """The folder was emptied, or the journal is another machine's."""
    at = BEGIN_MICROSECONDS / 1e6 + 1
    place = Place("journal", at, {"00" * 16: 99}).written()
    assert told([{JOURNAL: journal_bytes([_entry(number) for number in range(1, 4)])}], place) == [["ata3"]]


def _entry(number: int) -> dict[str, bytes]:
    return {
        "MESSAGE": f"ata{number}: hard resetting link".encode(),
        "_TRANSPORT": b"kernel",
        "PRIORITY": b"3",
        "SYSLOG_IDENTIFIER": b"kernel",
    }


def ring(numbers: Sequence[int]) -> str:
    """Records of the ring, one a second."""
    return "".join(
        f"3,{number},{number}000000,-;ata{number}: hard resetting link\n SUBSYSTEM=ata\n" for number in numbers
    )


def kernel(text: str, place: str, boot: str = "one") -> tuple[section_pb2.LogFacts, str]:
    """The facts of the ring in a boot, and where it was left."""
    measured = kernel_log.measure(machine({RING: text, BOOT_ID: f"{boot}\n"}), place)
    assert isinstance(measured.facts, section_pb2.LogFacts)
    return measured.facts, measured.place


def test_the_ring_goes_on_by_its_sequence_until_the_next_boot() -> None:
    """A new boot counts from zero: all of it is new. What was overwritten before it was read is said to be missing."""
    facts, place = kernel(ring([1, 2, 3]), "")
    assert ports(facts) == ["ata1", "ata2", "ata3"]
    facts, place = kernel(ring([2, 3, 4]), place)
    assert (ports(facts), facts.told_lines_total, facts.truncated) == (["ata4"], 2, False)
    again, _ = kernel(ring([1, 2]), place, "two")
    assert (ports(again), again.told_lines_total) == (["ata1", "ata2"], 0)
    late, place = kernel(ring([7, 8]), place)
    assert (ports(late), late.truncated) == (["ata7", "ata8"], True)
    assert ports(kernel("", place)[0]) == []


def test_a_ring_whose_place_is_lost_goes_by_time() -> None:
    """A machine that has run for long tells the last day."""
    files: dict[str, File] = {
        RING: "3,1,60000000,-;ata1: hard resetting link\n3,2,180000000000,-;ata2: hard resetting link\n"
    }
    clock = FakeClock(wall_seconds=NOW, boottime_seconds=72 * HOUR)
    measured = kernel_log.measure(FakeMachine({**files, BOOT_ID: "one"}, clock=clock), "lost")
    assert isinstance(measured.facts, section_pb2.LogFacts)
    assert ports(measured.facts) == ["ata2"]


def test_where_the_ring_is_denied_what_is_kept_of_it_goes_on() -> None:
    """By the moment that was reached in the ring, then by the text's own place."""
    place = Place(RING, NOW - 75, {"one": 7}).written()
    first = kernel_log.measure(machine({kernel_log.TEXT: reset(1, 90) + reset(2)}), place)
    again = kernel_log.measure(machine({kernel_log.TEXT: reset(1, 90) + reset(2)}), first.place)
    found = [one.facts for one in (first, again) if isinstance(one.facts, section_pb2.LogFacts)]
    assert [ports(facts) for facts in found] == [["ata2"], []]


@given(st.lists(st.lists(st.integers(0, 4), max_size=4), max_size=8))
def test_every_line_is_told_exactly_once(steps: list[list[int]]) -> None:
    """However many are written between two snapshots, and however often the file is rotated between them."""
    kept = [b"line 1\n"]
    place, number = None, 1
    found: list[bytes] = []
    for step in [[], *steps]:
        for rotation, count in enumerate(step):
            if rotation:
                # Daemons make the new file when they write to it.
                number += 1
                kept.insert(0, b"line %d\n" % number)
            for _ in range(count):
                number += 1
                kept[0] += b"line %d\n" % number
        files: dict[str, File] = {f"{SYSLOG}.{age}": data for age, data in enumerate(kept[:5]) if age}
        part = text_logs.read_from(machine({**files, SYSLOG: kept[0]}), SYSLOG, place, 1 << 20)
        found += part.data[part.told_bytes :].splitlines()
        place = Place(SYSLOG, None, {}, part.offset, part.mark)
    assert found == [b"line %d" % one for one in range(1, number + 1)]


@given(st.lists(st.integers(0, 100), max_size=30), st.integers(0, 100))
def test_lines_are_parted_by_time(seconds: list[int], at: int) -> None:
    """By halving, which gives what counting gives; lines without a time go with the one before."""
    text = "".join(line(1000 - one - 0.5, "x") for one in sorted(seconds))
    log = LogText(text, syslog_parser(datetime.fromtimestamp(NOW, UTC), 0))
    assert lines_until(log, NOW - 1000 + at + 0.5) == sum(one <= at for one in seconds)


def test_places_are_bounded() -> None:
    """Writers come and go; the newest stay, with the greatest of their numbers."""
    many = {str(number): number for number in range(40)}
    kept = sequences_with(many, {"5": 3, "new": 1})
    assert (len(kept), kept["5"], kept["new"]) == (16, 5, 1)
    assert place_from(Place("journal", 1.0, kept).written(), 2.0) == Place("journal", 1.0, kept)
