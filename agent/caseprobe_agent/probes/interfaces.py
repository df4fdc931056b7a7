"""Network interfaces: state, speed, addresses, counters and rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from caseprobe.parse.net_dev import parse_net_dev
from caseprobe.v1 import section_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, number_of, value_of

NET_DEV, NET = "/proc/net/dev", "/sys/class/net"
INTERFACES_AT_MOST = 500
# /sys/class/net/*/type: ARPHRD_LOOPBACK; tunnels are TUNNEL, TUNNEL6, SIT, IPGRE, IP6GRE, and NONE, as WireGuard is.
LOOPBACK = 772
TUNNELS = frozenset((768, 769, 776, 778, 823, 65534))
MEGABIT = 1e6


@dataclass(frozen=True)
class Sample:
    """Received and sent bytes of each interface at one moment."""

    at_seconds: float
    transferred: Mapping[str, tuple[int, int]]


def sample(machine: Machine) -> Sample:
    """Counters now."""
    return _sample(machine.monotonic_seconds(), parse_net_dev(machine.read_text(NET_DEV)))


def measure(machine: Machine, earlier: object | None) -> Measured:
    """Every interface that the kernel counts."""
    notes = Notes()
    text = machine.read_text(NET_DEV)
    now = machine.monotonic_seconds()
    interfaces = parse_net_dev(text)[:INTERFACES_AT_MOST]
    notes.quote(NET_DEV, text, tuple(f"{interface.name}:" for interface in interfaces))
    addresses = notes.attempt("interfaces.addresses", machine.addresses) or []
    for interface in interfaces:
        _describe(interface, machine, notes)
        interface.addresses.extend(f"{a.address}/{a.prefix_length}" for a in addresses if a.interface == interface.name)
    facts = section_pb2.InterfacesFacts(interfaces=interfaces)
    _add_rates(facts, _sample(now, interfaces), earlier)
    return notes.measured(facts)


def _sample(at_seconds: float, interfaces: list[section_pb2.Interface]) -> Sample:
    return Sample(at_seconds, {i.name: (i.received_bytes_total, i.sent_bytes_total) for i in interfaces})


def _describe(interface: section_pb2.Interface, machine: Machine, notes: Notes) -> None:
    folder = f"{NET}/{interface.name}"
    told = notes.noted("interfaces.kind", machine)
    interface.mac = value_of(machine, f"{folder}/address") or ""
    interface.state = value_of(told, f"{folder}/operstate") or "unknown"
    interface.mtu_bytes = number_of(machine, f"{folder}/mtu") or 0
    if (damaged := number_of(machine, f"{folder}/statistics/rx_crc_errors")) is not None:
        interface.checksum_errors_total = damaged
    interface.duplex = value_of(told, f"{folder}/duplex") or ""
    # -1 is what many drivers say of a link that is down.
    if (megabits := number_of(told, f"{folder}/speed") or 0) > 0:
        interface.speed_bits_per_second = megabits * MEGABIT
    if (changes := notes.number("interfaces.carrier_changes_total", machine, f"{folder}/carrier_changes")) is not None:
        interface.carrier_changes_total = changes
    interface.kind = kind_of(machine, folder, notes)
    # Of a bond that uses one line at a time: what the others hear is dropped.
    interface.standby = value_of(machine, f"{folder}/bonding_slave/state") == "backup"
    if interface.kind == "bond":
        _count_slaves(interface, machine, folder, notes)


def kind_of(machine: Machine, folder: str, notes: Notes) -> str:
    """loopback, bond, bridge, vlan, wireless, tunnel, physical or virtual, by what the driver shows in sysfs."""
    shown = set(notes.names("interfaces.kind", machine, folder))
    number = number_of(notes.noted("interfaces.kind", machine), f"{folder}/type")
    if number == LOOPBACK:
        return "loopback"
    for name, kind in (("bonding", "bond"), ("bridge", "bridge"), ("wireless", "wireless"), ("phy80211", "wireless")):
        if name in shown:
            return kind
    if "DEVTYPE=vlan" in (value_of(machine, f"{folder}/uevent") or ""):
        return "vlan"
    if "tun_flags" in shown or number in TUNNELS:
        return "tunnel"
    return "physical" if "device" in shown else "virtual"


def _count_slaves(interface: section_pb2.Interface, machine: Machine, folder: str, notes: Notes) -> None:
    slaves = (notes.text("interfaces.kind", machine, f"{folder}/bonding/slaves") or "").split()
    interface.bond_slaves_total = len(slaves)
    told = notes.noted("interfaces.kind", machine)
    interface.bond_slaves_active = sum(
        value_of(told, f"{NET}/{slave}/bonding_slave/mii_status") == "up" for slave in slaves
    )


def _add_rates(facts: section_pb2.InterfacesFacts, now: Sample, earlier: object | None) -> None:
    if not isinstance(earlier, Sample) or now.at_seconds <= earlier.at_seconds:
        return
    seconds = facts.sample_seconds = now.at_seconds - earlier.at_seconds
    for interface in facts.interfaces:
        received, sent = earlier.transferred.get(interface.name, now.transferred[interface.name])
        interface.received_bytes_per_second = max(0, interface.received_bytes_total - received) / seconds
        interface.sent_bytes_per_second = max(0, interface.sent_bytes_total - sent) / seconds
