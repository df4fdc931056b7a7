"""Network checks: the fault gives exactly this finding, health gives none."""

from __future__ import annotations

from typing import Any

import pytest

from caseprobe.checks import network
from caseprobe.checks.check import NO_CONTEXT, NotApplicable
from caseprobe.v1 import finding_pb2, section_pb2
from tests import fakes_sections as fakes


def interface(name: str = "eth0", kind: str = "physical", **given: Any) -> section_pb2.Interface:
    """An interface that moved 10,000 packets without a fault."""
    facts: dict[str, Any] = {"received_packets_total": 10_000, "state": "up", **given}
    return section_pb2.Interface(name=name, kind=kind, **facts)


def section(*interfaces: section_pb2.Interface) -> section_pb2.Section:
    """A section with these interfaces."""
    proof = fakes.lines("/proc/net/dev", "  lo: 1 1", "  eth0: 10000 10000")
    return fakes.section("interfaces", interfaces=section_pb2.InterfacesFacts(interfaces=interfaces), lines=proof)


def test_many_errors_are_a_warning_about_the_link() -> None:
    """200 damaged packets beside 10,000 good ones are a warning that points at the cable."""
    [finding] = network.judge_errors(section(interface(receive_errors_total=200)), NO_CONTEXT)
    assert (finding.object, finding.state, finding.cause, finding.threshold) == (
        "eth0",
        finding_pb2.SEVERITY_WARN,
        finding_pb2.CAUSE_LINK,
        "error_ratio >= 0.01",
    )
    assert [(one.source, one.line) for one in finding.evidence] == [("/proc/net/dev", 2)]


@pytest.mark.parametrize(
    "given", [{}, {"receive_errors_total": 99}, {"received_packets_total": 1, "send_errors_total": 4}]
)
def test_few_errors_are_none(given: dict[str, Any]) -> None:
    """Under one percent, or fewer than five, is no finding."""
    assert list(network.judge_errors(section(interface(**given)), NO_CONTEXT)) == []


def test_a_machine_with_loopback_only_has_nothing_to_judge() -> None:
    """Not applicable, which is not ok."""
    with pytest.raises(NotApplicable):
        list(network.judge_errors(section(interface("lo", "loopback")), NO_CONTEXT))
