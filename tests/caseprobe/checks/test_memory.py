"""Memory checks: the fault gives exactly this finding, health gives none."""

from __future__ import annotations

import pytest

from caseprobe.checks import memory
from caseprobe.checks.check import NO_CONTEXT, Unknown
from caseprobe.v1 import finding_pb2, section_pb2
from tests import fakes_sections as fakes

MEMINFO = fakes.lines("/proc/meminfo", "MemTotal:  8388608 kB", "MemFree:  104857 kB", "MemAvailable:  335544 kB")


def section(available_bytes: int, total_bytes: int = 8 * fakes.GIB) -> section_pb2.Section:
    """A memory section with this much left."""
    facts = section_pb2.MemoryFacts(total_bytes=total_bytes, available_bytes=available_bytes)
    return fakes.section("memory", memory=facts, lines=MEMINFO)


def test_little_memory_is_a_critical_finding_with_its_lines() -> None:
    """4 % available of 8 GiB: critical, proven by the two lines that were compared."""
    [finding] = memory.judge_available(section(available_bytes=8 * fakes.GIB // 25), NO_CONTEXT)
    assert finding == finding_pb2.Finding(
        state=finding_pb2.SEVERITY_CRITICAL,
        cause=finding_pb2.CAUSE_HOST,
        parameters=[
            finding_pb2.Parameter(name="available_ratio", number=finding.parameters[0].number),
            finding_pb2.Parameter(name="available_bytes", number=8 * fakes.GIB // 25),
            finding_pb2.Parameter(name="total_bytes", number=8 * fakes.GIB),
        ],
        evidence=[
            finding_pb2.Evidence(source="/proc/meminfo", line=1, text="MemTotal:  8388608 kB"),
            finding_pb2.Evidence(source="/proc/meminfo", line=3, text="MemAvailable:  335544 kB"),
        ],
        threshold="available_ratio < 0.05",
    )
    assert finding.parameters[0].number == pytest.approx(0.04)


@pytest.mark.parametrize(("available", "expected"), [(0.0999, ["available_ratio < 0.1"]), (0.1, []), (0.9, [])])
def test_the_level_of_available_memory(available: float, expected: list[str]) -> None:
    """Below a tenth is a warning, a tenth is not."""
    found = memory.judge_available(section(available_bytes=int(available * 10**9), total_bytes=10**9), NO_CONTEXT)
    assert [finding.threshold for finding in found] == expected


def test_no_size_is_unknown_not_well() -> None:
    """A section without a total must not divide by zero, nor pass as healthy."""
    with pytest.raises(Unknown):
        list(memory.judge_available(section(available_bytes=0, total_bytes=0), NO_CONTEXT))
