"""Sections from what Windows' own tools print."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from google.protobuf.message import Message

from caseprobe.parse.logs import windows_events
from caseprobe.parse.windows import route, services, storage, system, wlan
from caseprobe.recorded.logs import log_facts
from caseprobe.recorded.outputs import Missing, Outputs
from caseprobe.recorded.paths import path_facts

OS, MACHINE, VOLUMES = "Win32_OperatingSystem.json", "Win32_ComputerSystem.json", "Win32_LogicalDisk.json"
DRIVES, COUNTERS = "MSFT_PhysicalDisk.json", "MSFT_StorageReliabilityCounter.json"
SERVICES, EVENTS, WLAN = "Win32_Service.json", "System.xml", "netsh-wlan-show-interfaces.txt"
ROUTES = ("pathping.txt", "tracert.txt")


def _system(outputs: Outputs) -> Message:
    facts = system.parse_system(outputs.text(OS))
    if not facts.HasField("booted_at"):
        return facts
    try:
        events, _ = windows_events.parse_events(outputs.text(EVENTS))
    except (Missing, ValueError):
        return facts
    booted, now = facts.booted_at.ToSeconds(), facts.measured_at.ToSeconds()
    if events[-1].at is not None and events[-1].at >= booted:
        # Only a log that reaches into this start can say that nothing was wrong with it.
        facts.clean_shutdown = not windows_events.went_down_uncleanly(events, booted, now)
    return facts


def _smart(outputs: Outputs) -> Message:
    counters = outputs.text(COUNTERS) if COUNTERS in outputs.files else None
    return storage.parse_drives(outputs.text(DRIVES), counters)


def _log(outputs: Outputs) -> Message:
    events, ended = windows_events.parse_events(outputs.text(EVENTS))
    if ended:
        outputs.lack("faults", f"{EVENTS}: {ended}")
    facts = log_facts(EVENTS, [event.entry() for event in events], lambda place: events[place].fault())
    facts.truncated = bool(ended)
    return facts


def _path(outputs: Outputs) -> Message:
    name = next((name for name in ROUTES if name in outputs.files), ROUTES[0])
    return path_facts(route.parse_route(outputs.text(name)))


SECTIONS: Mapping[str, Callable[[Outputs], Message]] = {
    "system": _system,
    "memory": lambda outputs: system.parse_memory(outputs.text(OS)),
    "hardware": lambda outputs: system.parse_machine(outputs.text(MACHINE)),
    "filesystems": lambda outputs: storage.parse_volumes(outputs.text(VOLUMES)),
    "smart": _smart,
    "services": lambda outputs: services.parse_services(outputs.text(SERVICES)),
    "wireless": lambda outputs: wlan.parse_interfaces(outputs.text(WLAN)),
    "system_log": _log,
    "path": _path,
}
