"""Network interfaces: damaged and lost packets, links and bonds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from caseprobe.checks.check import Check, Context, NotApplicable
from caseprobe.checks.evidence import prove, stated
from caseprobe.checks.growth import gained, per_hour, same, window
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
# Down and up again are two changes: more than one flap an hour.
FLAPPING = Levels("changes_per_hour", warn=3.0, critical=11.0)
# A window of growth, and how many packets in it are worth a ratio.
RECENT_SECONDS, FEW_PACKETS = 600.0, 10_000
# Only these have a line behind them that can be bad: what a bridge or tunnel drops was dropped for a reason, and a bond
# counts what its members count.
LINES = frozenset({"physical", "wireless"})
# A container's line is virtual and has a far end that can go away, too; a radio link comes and goes by design.
CARRIERS = frozenset({"physical", "virtual"})


def _interfaces(section: section_pb2.Section) -> list[section_pb2.Interface]:
    """Every interface but loopback; NotApplicable where there is none."""
    found = [interface for interface in section.interfaces.interfaces if interface.kind != "loopback"]
    if not found:
        raise NotApplicable("this machine has no network interface but loopback")
    return found


@dataclass(frozen=True)
class Counts:
    """Packets of an interface and those that went wrong, over a time; since 0 means since it came up."""

    errors: float
    drops: float
    packets: float
    seconds: float = 0.0


def _counts(interface: section_pb2.Interface) -> Counts:
    return Counts(
        interface.receive_errors_total + interface.send_errors_total,
        interface.receive_drops_total + interface.send_drops_total,
        interface.received_packets_total + interface.sent_packets_total,
    )


def _recent(interface: section_pb2.Interface, context: Context) -> Counts:
    """What was counted since an earlier snapshot of this boot, else since the interface came up."""
    now, past = _counts(interface), window(context, RECENT_SECONDS)
    old = same(past.section.interfaces.interfaces, interface.name) if past else None
    if past is None or old is None:
        return now
    before = _counts(old)
    return Counts(
        gained(now.errors, before.errors),
        gained(now.drops, before.drops),
        gained(now.packets, before.packets),
        past.elapsed_seconds,
    )


def judge_errors(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Damaged packets per packet on each interface: since the earlier snapshot where there is one, else in all.

    Checksum and framing errors come from a bad cable, a bad transceiver or a duplex mismatch, hardly ever from
    software; each one is a packet that was lost.
    """
    for interface in _interfaces(section):
        counted = _recent(interface, context)
        if interface.kind not in LINES or counted.errors < FEW_ERRORS:
            continue
        ratio = counted.errors / (counted.packets + counted.errors)
        if reached := context.levels(ERRORS, interface.name).reached(ratio):
            counts = {
                "receive_errors_total": interface.receive_errors_total,
                "send_errors_total": interface.send_errors_total,
                "packets_total": counted.packets,
            }
            evidence = prove(section, DEV, (interface.name,), interface=interface.name, **counts)
            parameters = {"error_ratio": ratio, "errors_total": counted.errors, **counts}
            found = fault(reached, finding_pb2.CAUSE_LINK, parameters, evidence, subject=interface.name)
            yield _over(found, counted)


def _over(found: finding_pb2.Finding, counted: Counts) -> finding_pb2.Finding:
    """A finding that says over which time, where that is since an earlier snapshot."""
    if counted.seconds:
        found.kind, found.message_id = finding_pb2.FINDING_KIND_TREND, "recent"
        found.parameters.add(name="over_seconds", number=counted.seconds)
    return found


def judge_drops(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Packets that this machine threw away per packet: since the earlier snapshot where there is one, else in all.

    They arrived whole and found no room (rings too small, a processor too slow to empty them), or nobody here wanted
    them: other VLANs, protocols that are not spoken. The line of a bond that stands by drops all it hears and is left
    out.
    """
    for interface in _interfaces(section):
        counted = _recent(interface, context)
        few = counted.packets < (FEW_PACKETS if counted.seconds else QUIET_PACKETS)
        if interface.kind not in LINES or interface.standby or few:
            continue
        levels = WIRELESS_DROPS if interface.kind == "wireless" else DROPS
        ratio = counted.drops / (counted.packets + counted.drops)
        if reached := context.levels(levels, interface.name).reached(ratio):
            counts = {"drops_total": counted.drops, "packets_total": counted.packets}
            evidence = prove(section, DEV, (interface.name,), interface=interface.name, **counts)
            parameters = {"drop_ratio": ratio, **counts}
            found = fault(reached, finding_pb2.CAUSE_HOST, parameters, evidence, subject=interface.name)
            yield _over(found, counted)


def judge_link(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Links that run at half duplex or slower than before, or that go up and down.

    Half duplex today is a failed negotiation and costs most of the throughput; a link that flaps or came back slower
    is a loose cable, a bad pair in it, a bad port or a transceiver near its end.
    """
    for interface in _interfaces(section):
        if interface.state != "up" or interface.kind not in CARRIERS:
            continue
        if interface.kind == "physical":
            yield from _degraded(section, interface, context)
        if (flapping := _flapping(section, interface, context)) is not None:
            yield flapping


def _degraded(
    section: section_pb2.Section, interface: section_pb2.Interface, context: Context
) -> Iterator[finding_pb2.Finding]:
    """Half duplex, or less speed than before: only a line of copper or glass has either."""
    if interface.duplex == "half":
        evidence = prove(section, f"{SYSFS}{interface.name}/duplex", (), interface=interface.name, duplex="half")
        speed = {"speed_bits_per_second": interface.speed_bits_per_second}
        reached = Reached(WARN, "duplex is half")
        yield fault(reached, finding_pb2.CAUSE_LINK, speed, evidence, interface.name, "half_duplex")
    before = same(context.previous.interfaces.interfaces, interface.name) if context.previous else None
    if before is not None and 0 < interface.speed_bits_per_second < before.speed_bits_per_second:
        yield _slower(section, interface, before.speed_bits_per_second)


def _slower(section: section_pb2.Section, interface: section_pb2.Interface, before: float) -> finding_pb2.Finding:
    speeds = {"speed_bits_per_second": interface.speed_bits_per_second, "before_bits_per_second": before}
    reached = Reached(WARN, "speed_bits_per_second below that of the earlier snapshot")
    line = stated(section, interface=interface.name, **speeds)
    found = fault(reached, finding_pb2.CAUSE_LINK, speeds, [line], interface.name, "slower")
    found.kind = finding_pb2.FINDING_KIND_TREND
    return found


def _flapping(
    section: section_pb2.Section, interface: section_pb2.Interface, context: Context
) -> finding_pb2.Finding | None:
    """Changes an hour since the earlier snapshot; without one, or where these are few, those since boot."""
    changes = {"carrier_changes_total": float(interface.carrier_changes_total)}
    source = f"{SYSFS}{interface.name}/carrier_changes"
    evidence = prove(section, source, (), interface=interface.name, **changes)
    before = same(context.previous.interfaces.interfaces, interface.name) if context.previous else None
    if before is not None and context.same_boot and context.elapsed_seconds:
        gain = gained(interface.carrier_changes_total, before.carrier_changes_total)
        rate = per_hour(gain, context.elapsed_seconds)
        if reached := context.levels(FLAPPING, interface.name).reached(rate):
            parameters = {"changes_per_hour": rate, "changes_total": gain}
            found = fault(reached, finding_pb2.CAUSE_LINK, parameters, evidence, interface.name, "flaps_now")
            found.kind = finding_pb2.FINDING_KIND_TREND
            return found
    if interface.carrier_changes_total < FLAPS:
        return None
    reached = Reached(INFO, f"carrier_changes_total >= {FLAPS} since boot")
    return fault(reached, finding_pb2.CAUSE_LINK, changes, evidence, interface.name, "flapping")


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
        threshold=f"{ERRORS}, from {FEW_ERRORS} errors on, since an earlier snapshot, else in all",
        threshold_source="node-mixin NodeNetworkReceiveErrs (1 %); netdata net.conf (at least 5 errors)",
    ),
    Check(
        id="net.drop",
        judge=judge_drops,
        reads="interfaces",
        levels=(DROPS,),
        threshold=(
            f"{DROPS} (wireless: {WIRELESS_DROPS.warn:g}), from {FEW_PACKETS} packets since an earlier snapshot on, "
            f"else from {QUIET_PACKETS} in all"
        ),
        threshold_source="netdata net.conf (2 %, wireless 10 %); own least number of packets",
    ),
    Check(
        id="net.link",
        judge=judge_link,
        reads="interfaces",
        fields=("kind", "carrier_changes_total"),
        levels=(FLAPPING,),
        threshold=f"{FLAPPING}; warn: duplex is half, or slower than before; info: {FLAPS} changes or more since boot",
        threshold_source="own levels",
    ),
    Check(
        id="net.bond",
        judge=judge_bonds,
        reads="interfaces",
        fields=("kind",),
        threshold="warn: slaves_active < slaves_total; critical: slaves_active = 0",
        threshold_source="node-mixin NodeBondingDegraded (any)",
    ),
)
