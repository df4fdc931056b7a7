"""Radio links: how strong they are, how fast, and how often a frame had to be sent again."""

from __future__ import annotations

from caseprobe.errors import MachineAbsent, MeasurementError
from caseprobe.parse.iw import add_iw_station, parse_iw_link
from caseprobe.parse.proc_net_wireless import parse_proc_net_wireless
from caseprobe.v1 import section_net_pb2, section_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, Reads, names_in, output_of, value_of

NET, WIRELESS = "/sys/class/net", "/proc/net/wireless"
TOOL_SECONDS = 3.0
LATER = "is told by iw only, which this profile does not start (use --profile standard)"


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """What the kernel's files tell; absent where the machine has no radio."""
    return _measure(machine, tools=False)


def measure_with_tools(machine: Machine, _earlier: object | None) -> Measured:
    """The same, and what iw tells of rates and retries."""
    return _measure(machine, tools=True)


def _measure(machine: Machine, tools: bool) -> Measured:
    notes = Notes()
    seen = notes.noted("wireless.signal_dbm", machine)
    radios = [
        name
        for name in notes.names("wireless.links", machine, NET)
        if not name.startswith("-")
        if {"wireless", "phy80211"} & set(names_in(seen, f"{NET}/{name}"))
    ]
    if not radios and not notes.denied:
        raise MachineAbsent("this machine has no wireless interface")
    text = value_of(seen, WIRELESS) or ""
    told = {link.name: link for link in parse_proc_net_wireless(text)}
    notes.quote(WIRELESS, text)
    facts = section_net_pb2.WirelessFacts()
    for name in radios:
        link = told.get(name) or section_net_pb2.RadioLink(name=name, connected=_is_up(seen, name))
        facts.links.append(_asked(link, machine, notes) if tools else link)
    if radios and not tools:
        skipped = section_pb2.PROBE_OUTCOME_SKIPPED
        notes.shortfalls.append(
            section_pb2.Shortfall(field="wireless.retries_total", outcome=skipped, reason=f"the rate of a link {LATER}")
        )
        if any(link.connected and not link.HasField("signal_dbm") for link in facts.links):
            reason = f"the strength of a link {LATER}"
            notes.shortfalls.append(section_pb2.Shortfall(field="wireless.signal_dbm", outcome=skipped, reason=reason))
    return notes.measured(facts)


def _is_up(machine: Reads, name: str) -> bool:
    return value_of(machine, f"{NET}/{name}/operstate") == "up"


def _asked(link: section_net_pb2.RadioLink, machine: Machine, notes: Notes) -> section_net_pb2.RadioLink:
    """The link with what iw tells of it; what it does not tell is a shortfall."""
    try:
        asked = parse_iw_link(link.name, output_of(machine, ("iw", "dev", link.name, "link"), TOOL_SECONDS))
        if asked.connected:
            command = ("iw", "dev", link.name, "station", "dump")
            text = output_of(machine, command, TOOL_SECONDS)
            add_iw_station(asked, text)
            notes.quote(" ".join(command), text)
    except (MeasurementError, ValueError) as error:
        for fact in ("wireless.signal_dbm", "wireless.retries_total"):
            notes.lack(fact, error)
        return link
    link.MergeFrom(asked)
    link.connected = asked.connected
    return link
