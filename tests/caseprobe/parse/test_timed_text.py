"""A stretch of time in a text log, found by halving: the same lines as reading all of it would give."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseprobe.parse.logs.stamps import moment_of
from caseprobe.parse.logs.timed_text import TimedText
from caseprobe.parse.logs.window import Window

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
HOUR, DAY = 3600.0, 86_400.0


def iso(at: float, text: str = "db7 app: x") -> bytes:
    """A line with its whole moment."""
    return f"{datetime.fromtimestamp(at, UTC).isoformat(timespec='microseconds')} {text}\n".encode()


def old(at: float, text: str = "db7 app: x", offset_seconds: int = 0) -> bytes:
    """A line without year and zone, as a local clock tells it."""
    local = datetime.fromtimestamp(at, timezone(timedelta(seconds=offset_seconds)))
    return f"{local:%b} {local.day:2} {local:%H:%M:%S} {text}\n".encode()


class Text:
    """A log that counts what is read of it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.read_bytes = 0

    def read(self, offset: int, size: int) -> bytes:
        """As a file."""
        self.read_bytes += size
        return self.data[offset : offset + size]

    def within(self, begin: float, end: float, offset_seconds: int = 0, latest: float = NOW) -> bytes:
        """The window's bytes."""
        text = TimedText(self.read, len(self.data), latest, lambda _: offset_seconds)
        return b"".join(self.data[first:last] for first, last in text.spans(Window(begin, end)))


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 120), st.integers(0, 3), st.integers(0, 3000)), min_size=1, max_size=150),
    st.integers(-100, 9000),
    st.integers(0, 4000),
)
def test_the_same_lines_as_reading_all_of_it(records: list[tuple[int, int, int]], begin: int, length: int) -> None:
    """Whatever the distances, the lengths of lines and of records: further lines come with the head of their record."""
    at, data, expected = NOW - 9 * HOUR, b"", b""
    window = Window(NOW - 9 * HOUR + begin, NOW - 9 * HOUR + begin + length)
    for step, further, size in records:
        at += step
        record = iso(at, f"db7 app: {'x' * size}") + b"    at Main.java:7\n" * further
        data += record
        expected += record if window.holds(at) else b""
    assert Text(data).within(window.from_at, window.to_at) == expected


def test_a_long_log_costs_little() -> None:
    """Of 16 MiB a few are read, and nothing is missing."""
    lines = [iso(NOW - DAY + number, "db7 app: " + "x" * 180) for number in range(80_000)]
    text = Text(b"".join(lines))
    assert text.within(NOW - DAY + 40_000, NOW - DAY + 40_009) == b"".join(lines[40_000:40_010])
    assert text.read_bytes < len(text.data) // 2


def test_lines_that_are_a_little_out_of_order_are_found() -> None:
    """Several writers put a line behind one that is newer by seconds: it is of the window all the same."""
    lines = [iso(NOW - HOUR + number) for number in (0, 1, 2, 7, 3, 4, 5, 11, 9, 8, 10, 12)]
    found = Text(b"".join(lines)).within(NOW - HOUR + 5, NOW - HOUR + 9)
    assert {lines[3], lines[6], lines[8], lines[9]} <= set(found.splitlines(keepends=True))


def test_a_clock_that_was_set_back_tells_an_hour_twice() -> None:
    """Both stretches are of the window."""
    padding = "db7 app: " + "x" * 500
    first = [iso(NOW - 10 * HOUR + 10 * number, padding) for number in range(2000)]
    second = [iso(NOW - 9 * HOUR + 10 * number, "again " + padding) for number in range(2000)]
    found = Text(b"".join(first + second)).within(NOW - 8 * HOUR, NOW - 8 * HOUR + 50)
    assert found == b"".join(first[720:726] + second[360:366])


def test_a_year_that_lines_do_not_tell_is_counted_back() -> None:
    """In a log of fourteen months last November is not taken for this one, and December comes before January."""
    days = [NOW - 420 * DAY + number * DAY for number in range(420)]
    text = Text(b"".join(old(day + 60 * part, "db7 app: " + "x" * 300) for day in days for part in range(20)))
    this_year = text.within(NOW - 30 * DAY, NOW - 29 * DAY)
    last_year = text.within(NOW - 395 * DAY, NOW - 394 * DAY)
    assert len(this_year.splitlines()) == len(last_year.splitlines()) == 21
    new_year = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    found = text.within(new_year - DAY, new_year + DAY)
    assert found.startswith(b"Dec 31") and found.rstrip().splitlines()[-1].startswith(b"Jan  1")


def test_summer_and_winter_tell_their_own_time() -> None:
    """Lines without a zone are read by the offset that held then, at either end of the window."""
    change = datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp()
    times = [change - 4 * HOUR + 60 * number for number in range(480)]
    data = b"".join(old(at, offset_seconds=7200 if at < change else 3600) for at in times)
    text = TimedText(Text(data).read, len(data), NOW, lambda at: 7200 if at < change else 3600)
    spans = text.spans(Window(change - 3 * HOUR, change + 3 * HOUR))
    found = b"".join(data[begin:end] for begin, end in spans).splitlines()
    assert found[0].startswith(b"Oct 25 00:00:00") and found[-1].startswith(b"Oct 25 05:00:00")
    assert len(found) == 361


@pytest.mark.parametrize(
    "data",
    [b"no moment\n" * 9, b"x" * (1 << 20), bytes(1 << 20), iso(NOW).decode().encode("utf-16"), b"\n" * 99],
)
def test_a_log_that_tells_no_time_has_no_window(data: bytes) -> None:
    """It is said, instead of handing over what may be of any time."""
    with pytest.raises(ValueError, match="tell no time"):
        Text(data).within(0, NOW)


def test_an_empty_log_holds_nothing() -> None:
    """As one that was just rotated does: that is no fault."""
    assert Text(b"").within(0, NOW) == b""


@given(st.binary(max_size=3000), st.floats(0, 2e9), st.floats(0, 2e9))
def test_any_bytes_give_spans_or_a_reason(data: bytes, begin: float, end: float) -> None:
    """Nothing crashes, and no span leaves the file or overlaps another."""
    text = TimedText(Text(data).read, len(data), NOW, lambda _: 0)
    try:
        spans = text.spans(Window(begin, end))
    except ValueError:
        return
    places = [place for span in spans for place in span]
    assert places == sorted(places) and all(0 <= place <= len(data) for place in places)


def test_a_line_behind_zero_bytes_tells_its_time() -> None:
    """What a crash left in the log hides no line behind it, and a hole has no time of its own."""
    data = iso(NOW - 100) + bytes(50) + iso(NOW - 50) + bytes(5000) + b"\n" + iso(NOW - 10)
    found = Text(data).within(NOW - 60, NOW - 40)
    assert iso(NOW - 50) in found and iso(NOW - 10) not in found


def test_a_file_that_shrinks_meanwhile_ends_where_it_is() -> None:
    """Reads that give less than was expected end the search."""
    data = b"".join(iso(NOW - 1000 + number) for number in range(1000))
    text = TimedText(Text(data[:5000]).read, len(data), NOW, lambda _: 0)
    assert text.spans(Window(NOW - 1000, NOW))[0][0] == 0


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"2026-11-22T12:00:00Z db7 app: x", NOW),
        (b"2026-11-22T13:00:00.5+01:00 db7 app: x", NOW + 0.5),
        (b"2026-11-22 14:00:00,250 INFO x", NOW + 0.25),
        (b"[2026-11-22 12:00:00 +0000] x", NOW),
        (b"<34>1 2026-11-22T12:00:00.003Z db7 su 77 ID47 - x", NOW + 0.003),
        (b"<30>Nov 22 14:00:00 db7 app: x", NOW),
        (b"Sun Nov 22 14:00:00 2026 x", NOW),
        (b"1795348800.500000 db7 app: x", NOW + 0.5),
        (b"Feb 31 14:00:00 db7 app: x", None),
        (b"2026-13-40T12:00:00Z", None),
        (b"\xff\xfe", None),
        (b"", None),
    ],
)
def test_moments_of_all_forms(line: bytes, expected: float | None) -> None:
    """A line's beginning tells when it was written; the zone of the machine is two hours ahead."""
    assert moment_of(line, NOW, 7200) == expected
