"""Parsers of what the kernel tells about memory and waiting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.parse.counters import parse_counters
from caseprobe.parse.meminfo import parse_meminfo
from caseprobe.parse.pressure import parse_pressure

MEMINFO = """\
MemTotal:       49368180 kB
MemFree:        46843868 kB
MemAvailable:   48331076 kB
Buffers:           24164 kB
Cached:          1687120 kB
SwapTotal:       2097148 kB
SwapFree:        1048574 kB
Dirty:               320 kB
Slab:             196100 kB
CommitLimit:    26781236 kB
Committed_AS:    1021432 kB
HardwareCorrupted:     8 kB
HugePages_Total:       0
"""
PRESSURE = """\
some avg10=1.50 avg60=1.32 avg300=0.54 total=2451230
full avg10=0.25 avg60=100.00 avg300=0.00 total=12
"""


def test_meminfo_is_in_bytes() -> None:
    """Every amount that a check or a reader wants, times 1024."""
    facts = parse_meminfo(MEMINFO)
    assert facts.total_bytes == 49368180 * 1024
    assert facts.available_bytes == 48331076 * 1024
    assert facts.swap_total_bytes - facts.swap_free_bytes == 1048574 * 1024
    assert facts.committed_bytes == 1021432 * 1024
    assert facts.hardware_corrupted_bytes == 8192


def test_an_old_kernel_has_an_estimate_of_what_is_available() -> None:
    """Free, buffers and cached memory stand in for MemAvailable."""
    text = "".join(line for line in MEMINFO.splitlines(True) if not line.startswith("MemAvailable"))
    assert parse_meminfo(text).available_bytes == (46843868 + 24164 + 1687120) * 1024


def test_what_is_not_told_stays_unset() -> None:
    """No HardwareCorrupted line is not zero."""
    assert not parse_meminfo("MemTotal: 1 kB").HasField("hardware_corrupted_bytes")


def test_meminfo_without_a_total_is_an_error() -> None:
    """An empty file is not a machine without memory."""
    with pytest.raises(ValueError, match="MemTotal"):
        parse_meminfo("Odd: x\nMemFree: many kB\n")


def test_pressure_is_a_ratio() -> None:
    """The kernel's percent become 0..1."""
    pressure = parse_pressure(PRESSURE)
    assert pressure.some_avg10_ratio == pytest.approx(0.015)
    assert pressure.full_avg60_ratio == 1.0
    assert pressure.full_avg10_ratio == pytest.approx(0.0025)


def test_pressure_without_lines_is_an_error() -> None:
    """An empty file is not a machine without pressure."""
    with pytest.raises(ValueError, match="some"):
        parse_pressure("")


def test_counters_take_what_is_a_counter() -> None:
    """Blank lines and odd words are passed over."""
    assert parse_counters("oom_kill 2\n\nfoo\nbar -1\npswpin 7\n") == {"oom_kill": 2, "pswpin": 7}


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes a parser fail otherwise than by ValueError."""
    for parse in (parse_meminfo, parse_pressure, parse_counters):
        try:
            parse(text)
        except ValueError:
            continue
