"""Network interfaces: damaged and lost packets, links and bonds."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks.check import Check, Context, NotApplicable
from caseprobe.checks.evidence import prove
from caseprobe.checks.levels import CRITICAL, INFO, WARN, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2

DEV, SYSFS = "/proc/net/dev", "/sys/class/net/"
ERRORS = Levels("error_ratio", warn=0.01)
# A ratio over a handful of packets says nothing: five errors is netdata's floor.
FEW_ERRORS = 5
DROPS, WIRELESS_DROPS = Levels("drop_ratio", warn=0.02), Levels("drop_ratio", warn=0.10)
# On a quiet line the switch's own chatter (LLDP, STP) is dropped by design and is a large share of very little.
QUIET_PACKETS = 100_000
FLAPS = 20
# Only these have a line behind them that can be bad; what a bridge or tunnel drops was dropped for a reason.
LINES = frozenset({"physical", "wireless", "bond"})


def _interfaces(section: section_pb2.Section) -> list[section_pb2.Interface]:
    """Every interface but loopback; NotApplicable where there is none."""
    found = [interface for interface in section.interfaces.interfaces if interface.kind != "loopback"]
    if not found:
        raise NotApplicable("this machine has no network interface but loopback")
    return found


def judge_errors(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Damaged packets per packet on each interface, since it came up.

    Checksum and framing errors come from a bad cable, a bad transceiver or a duplex mismatch, hardly ever from
    software; each one is a packet that had to be sent again.
    """
    for interface in _interfaces(section):
        errors = interface.receive_errors_total + interface.send_errors_total
        packets = interface.received_packets_total + interface.sent_packets_total
        if errors >= FEW_ERRORS and (
            reached := context.levels(ERRORS, interface.name).reached(errors / (packets + errors))
        ):
            counts = {
                "receive_errors_total": interface.receive_errors_total,
                "send_errors_total": interface.send_errors_total,
                "packets_total": packets,
            }
            evidence = prove(section, DEV, (interface.name,), interface=interface.name, **counts)
            parameters = {"error_ratio": errors / (packets + errors), "errors_total": errors, **counts}
            yield fault(reached, finding_pb2.CAUSE_LINK, parameters, evidence, subject=interface.name)


def judge_drops(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Packets that this machine threw away per packet, since the interface came up.

    They arrived whole and found no room: rings too small, or a processor too slow to empty them.
    """
    for interface in _interfaces(section):
        drops = interface.receive_drops_total + interface.send_drops_total
        packets = interface.received_packets_total + interface.sent_packets_total
        if interface.kind not in LINES or packets < QUIET_PACKETS:
            continue
        levels = WIRELESS_DROPS if interface.kind == "wireless" else DROPS
        if reached := context.levels(levels, interface.name).reached(drops / (packets + drops)):
            counts = {"drops_total": drops, "packets_total": packets}
            evidence = prove(section, DEV, (interface.name,), interface=interface.name, **counts)
            parameters = {"drop_ratio": drops / (packets + drops), **counts}
            yield fault(reached, finding_pb2.CAUSE_HOST, parameters, evidence, subject=interface.name)


def judge_link(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Links that run at half duplex, or that went up and down often since boot.

    Half duplex today is a failed negotiation and costs most of the throughput; a flapping link is a loose cable,
    a bad port or a transceiver near its end.
    """
    for interface in _interfaces(section):
        if interface.kind != "physical" or interface.state != "up":
            continue
        if interface.duplex == "half":
            evidence = prove(section, f"{SYSFS}{interface.name}/duplex", (), interface=interface.name, duplex="half")
            speed = {"speed_bits_per_second": interface.speed_bits_per_second}
            reached = Reached(WARN, "duplex is half")
            yield fault(reached, finding_pb2.CAUSE_LINK, speed, evidence, interface.name, "half_duplex")
        if interface.carrier_changes_total >= FLAPS:
            changes = {"carrier_changes_total": interface.carrier_changes_total}
            source = f"{SYSFS}{interface.name}/carrier_changes"
            evidence = prove(section, source, (), interface=interface.name, **changes)
            reached = Reached(INFO, f"carrier_changes_total >= {FLAPS} since boot")
            yield fault(reached, finding_pb2.CAUSE_LINK, changes, evidence, interface.name, "flapping")


def judge_bonds(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Bonded interfaces with a member that carries nothing.

    The bond hides the failure of one line; the failure of the next one is an outage.
    """
    bonds = [interface for interface in section.interfaces.interfaces if interface.bond_slaves_total]
    if not bonds:
        raise NotApplicable("this machine has no bonded interface")
    for bond in bonds:
        if bond.bond_slaves_active < bond.bond_slaves_total:
            slaves = {"slaves_active": bond.bond_slaves_active, "slaves_total": bond.bond_slaves_total}
            evidence = prove(section, f"/proc/net/bonding/{bond.name}", (), bond=bond.name, **slaves)
            state = WARN if bond.bond_slaves_active else CRITICAL
            reached = Reached(state, "slaves_active < slaves_total" if bond.bond_slaves_active else "slaves_active = 0")
            yield fault(reached, finding_pb2.CAUSE_LINK, slaves, evidence, subject=bond.name)


ALL = (
    Check(
        id="net.err",
        judge=judge_errors,
        reads="interfaces",
        levels=(ERRORS,),
        threshold=f"{ERRORS}, from {FEW_ERRORS} errors on",
        threshold_source="node-mixin NodeNetworkReceiveErrs (1 %); netdata net.conf (at least 5 errors)",
    ),
    Check(
        id="net.drop",
        judge=judge_drops,
        reads="interfaces",
        levels=(DROPS,),
        threshold=f"{DROPS} (wireless: {WIRELESS_DROPS.warn:g}), from {QUIET_PACKETS} packets on",
        threshold_source="netdata net.conf (2 %, wireless 10 %); own least number of packets",
    ),
    Check(
        id="net.link",
        judge=judge_link,
        reads="interfaces",
        threshold=f"warn: duplex is half; info: carrier_changes_total >= {FLAPS} since boot",
        threshold_source="own levels",
    ),
    Check(
        id="net.bond",
        judge=judge_bonds,
        reads="interfaces",
        threshold="warn: slaves_active < slaves_total; critical: slaves_active = 0",
        threshold_source="node-mixin NodeBondingDegraded (any)",
    ),
)
