"""Moments on the command line, in every form that people give them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from caseprobe.errors import UsageError
from caseprobe_agent.cli.moments import moment, window

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 16, 30, 10, tzinfo=ZONE)


def local(at: datetime) -> datetime:
    """As the machine's zone has it."""
    return at.replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("14:05", "2026-11-22T13:05:00"),
        ("9:05:07", "2026-11-22T08:05:07"),
        ("today 14:05", "2026-11-22T13:05:00"),
        ("Yesterday 14:00", "2026-11-21T13:00:00"),
        ("yesterday", "2026-11-20T23:00:00"),
        ("-2h", "2026-11-22T13:30:10"),
        ("-90 min", "2026-11-22T14:00:10"),
        ("-1.5d", "2026-11-21T03:30:10"),
        ("now", "2026-11-22T15:30:10"),
        ("2026-11-22T14:05", "2026-11-22T13:05:00"),
        ("2026-11-22 14:05:30z", "2026-11-22T14:05:30"),
        ("2026-11-22T14:05+05:00", "2026-11-22T09:05:00"),
        ("2026-07-01T12:00", "2026-07-01T10:00:00"),
        ("2026-11-22", "2026-11-21T23:00:00"),
    ],
)
def test_every_form_of_a_moment(text: str, utc: str) -> None:
    """In the machine's zone unless another is named, by that day's rules: in July it is summer."""
    assert moment(text, NOW, local).astimezone(UTC).isoformat(timespec="seconds") == f"{utc}+00:00"


@pytest.mark.parametrize(
    "text", ["", "25:00", "14:65", "tomorrow 10:00", "-2", "-2y", "2026-13-01", "soon", "-9999999h"]
)
def test_what_is_no_moment_is_refused_with_the_forms(text: str) -> None:
    """One line that says what could be given."""
    with pytest.raises(UsageError, match="yesterday 14:00"):
        window(text, None, NOW)


def test_a_window_has_two_ends() -> None:
    """The end is now where it is not given, and never later; the beginning is that of time."""
    assert window(None, None, NOW) is None
    found = window("-2h", None, NOW)
    assert found is not None and found.to_at - found.from_at == 7200
    until = window(None, "-1h", NOW)
    assert until is not None and until.from_at == 0
    late = window("-2h", "2026-12-01T00:00Z", NOW)
    assert late is not None and late.to_at == NOW.timestamp()
    with pytest.raises(UsageError, match="ends before it begins"):
        window("-1h", "-2h", NOW)
    with pytest.raises(UsageError, match="future"):
        window("2027-01-01T00:00Z", None, NOW)
