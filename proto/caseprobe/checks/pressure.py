"""Pressure stall information: the share of time in which tasks waited for a resource, as the kernel counts it."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks.evidence import prove
from caseprobe.checks.levels import Levels, fault
from caseprobe.v1 import finding_pb2, section_pb2

SOURCE = "docs.kernel.org accounting/psi.rst for the signal"


def judge_pressure(
    section: section_pb2.Section, levels: Levels, value: float, file: str, cause: finding_pb2.Cause.ValueType
) -> Iterator[finding_pb2.Finding]:
    """A finding where this share, levels.parameter of the file under /proc/pressure, is past its level."""
    if reached := levels.reached(value):
        evidence = prove(section, f"/proc/pressure/{file}", (), **{levels.parameter: value})
        yield fault(reached, cause, {levels.parameter: value}, evidence)
