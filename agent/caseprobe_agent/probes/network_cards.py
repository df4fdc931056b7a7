"""Network cards as their drivers know them: firmware, rings, pause frames, and every counter of faults."""

from __future__ import annotations

from caseprobe.errors import MachineAbsent, MachineDenied, MeasurementError
from caseprobe.v1.section_items_pb2 import NetworkCard, NetworkCardsFacts
from caseprobe_agent.machine import Machine
from caseprobe_agent.machine.link_driver import LinkDriver
from caseprobe_agent.probes.probe import Measured, Notes

NET = "/sys/class/net"
CARDS_AT_MOST, COUNTERS_AT_MOST = 64, 60
# A counter of one of these is one of faults, whatever the driver calls it.
FAULTS = ("err", "drop", "miss", "discard", "crc", "fifo", "timeout", "no_buf", "overrun", "oversize", "fail", "reset")


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """Every interface with a device behind it; absent where there is none."""
    notes = Notes()
    facts = NetworkCardsFacts()
    found = notes.names("network_cards.cards", machine, NET)
    names = [name for name in found if machine.exists(f"{NET}/{name}/device")]
    facts.cards.extend(_card(name, machine, notes) for name in names[:CARDS_AT_MOST])
    if len(names) > CARDS_AT_MOST:
        why = f"only {CARDS_AT_MOST} of {len(names)} network cards were asked"
        notes.lack("network_cards.cards", MeasurementError(why))
    if not facts.cards:
        if notes.denied:
            raise MachineDenied(f"{NET} may not be read")
        raise MachineAbsent("this machine has no network card of its own")
    return notes.measured(facts)


def _card(name: str, machine: Machine, notes: Notes) -> NetworkCard:
    card = NetworkCard(name=name)
    card.queues_total = len(notes.names("network_cards.queues_total", machine, f"{NET}/{name}/queues"))
    told = notes.attempt(f"network_cards.{name}", lambda: machine.link_driver(name))
    if told is not None:
        _describe(card, told)
        for counter in card.counters:
            notes.keep(f"ethtool -S {name}", 0, f"{counter.name}: {counter.total}")
    return card


def _describe(card: NetworkCard, told: LinkDriver) -> None:
    card.driver, card.driver_version, card.firmware, card.bus = told.driver, told.version, told.firmware, told.bus
    if told.receive_ring is not None:
        card.receive_ring, card.receive_ring_limit = told.receive_ring
    if told.send_ring is not None:
        card.send_ring, card.send_ring_limit = told.send_ring
    if told.pause is not None:
        card.pause_negotiated, card.pause_received, card.pause_sent = told.pause
    faults = [(name, total) for name, total in told.counters.items() if total and _is_fault(name)]
    for name, total in sorted(faults, key=lambda one: -one[1])[:COUNTERS_AT_MOST]:
        card.counters.add(name=name, total=total)


def _is_fault(name: str) -> bool:
    return any(word in name.lower() for word in FAULTS)
