"""Network interfaces: damaged and lost packets."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks.check import Check, NotApplicable
from caseprobe.checks.evidence import prove
from caseprobe.checks.levels import Levels, fault
from caseprobe.v1 import finding_pb2, section_pb2

ERRORS = Levels("error_ratio", warn=0.01)
# A ratio over a handful of packets says nothing: five errors is netdata's floor.
FEW_ERRORS = 5


def _real(section: section_pb2.Section) -> list[section_pb2.Interface]:
    """Every interface but loopback; NotApplicable where there is none."""
    found = [interface for interface in section.interfaces.interfaces if interface.kind != "loopback"]
    if not found:
        raise NotApplicable("this machine has no network interface but loopback")
    return found


def judge_errors(section: section_pb2.Section) -> Iterator[finding_pb2.Finding]:
    """Damaged packets per packet on each interface, since it came up.

    Checksum and framing errors come from a bad cable, a bad transceiver or a duplex mismatch, hardly ever from
    software; each one is a packet that had to be sent again.
    """
    for interface in _real(section):
        errors = interface.receive_errors_total + interface.send_errors_total
        packets = interface.received_packets_total + interface.sent_packets_total
        if errors < FEW_ERRORS:
            continue
        if reached := ERRORS.reached(errors / (packets + errors)):
            counts = {
                "receive_errors_total": interface.receive_errors_total,
                "send_errors_total": interface.send_errors_total,
                "packets_total": packets,
            }
            evidence = prove(section, "/proc/net/dev", (interface.name,), interface=interface.name, **counts)
            parameters = {"error_ratio": errors / (packets + errors), "errors_total": errors, **counts}
            yield fault(reached, finding_pb2.CAUSE_LINK, parameters, evidence, interface.name)


ALL = (
    Check(
        id="net.err",
        judge=judge_errors,
        reads="interfaces",
        threshold=f"{ERRORS}, from {FEW_ERRORS} errors on",
        threshold_source="node-mixin NodeNetworkReceiveErrs (1 %); netdata net.conf (at least 5 errors)",
    ),
)
