"""How this machine looks up names: name servers and search domains as configured."""

from __future__ import annotations

from caseprobe.parse.resolv_conf import parse_host_sources, parse_resolv_conf
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes

RESOLV_CONF, NSSWITCH = "/etc/resolv.conf", "/etc/nsswitch.conf"
# Where systemd-resolved names the servers behind its own stub.
UPSTREAM = "/run/systemd/resolve/resolv.conf"


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """What resolv.conf and nsswitch.conf say; absent where there is no resolv.conf."""
    notes = Notes()
    text = machine.read_text(RESOLV_CONF)
    facts = parse_resolv_conf(text)
    notes.quote(RESOLV_CONF, text, ("nameserver", "search", "domain", "options"))
    sources = notes.attempt("resolvers.host_sources", lambda: parse_host_sources(machine.read_text(NSSWITCH)))
    facts.host_sources.extend(sources or [])
    if machine.exists(UPSTREAM):
        upstream = notes.attempt("resolvers.upstream", lambda: machine.read_text(UPSTREAM)) or ""
        notes.quote(UPSTREAM, upstream, ("nameserver",))
    return notes.measured(facts)
