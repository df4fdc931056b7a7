"""Each name server on its own: does it answer, how fast, over UDP and TCP, and what does it say."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from caseprobe.errors import MachineAbsent, MachineDenied, MeasurementError
from caseprobe.parse.dns_message import DnsAnswer, build_query, read_answer
from caseprobe.parse.resolv_conf import parse_resolv_conf
from caseprobe.v1.section_host_pb2 import DnsFacts, Resolver
from caseprobe_agent.machine import Exchanged, Machine
from caseprobe_agent.probes.probe import Measured, Notes, value_of

RESOLV_CONF, UPSTREAM = "/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"
PORT, SERVERS_AT_MOST = 53, 8
QUERIES, ANSWER_SECONDS, TCP_SECONDS = 3, 1.0, 1.0
# The root's own servers: every resolver that reaches anything knows them, and the question tells nothing of who asks.
ROOT_QUESTION = (".", "NS")
NEEDS = "network probes"
# Reserved for examples (RFC 2606): for a server that answers nothing about the root and knows no domain of ours.
PUBLIC_QUESTION = ("example.com", "A")
GOOD = ("NOERROR", "NXDOMAIN")


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """Which name servers there are; none is asked."""
    notes = Notes()
    reason = "not asked: network probes are not permitted here"
    servers = [Resolver(address=address, origin=origin, reason=reason) for address, origin in _servers(machine, notes)]
    notes.lack("dns.resolvers", MachineDenied(reason, needs=NEEDS))
    return notes.measured(DnsFacts(resolvers=servers))


def measure_with_network(machine: Machine, _earlier: object | None) -> Measured:
    """Every name server asked for the root's servers, at the same time as the others."""
    notes = Notes()
    servers, domains = _servers(machine, notes), _search_domains(machine)
    notes.quote(RESOLV_CONF, value_of(machine, RESOLV_CONF) or "", ("nameserver",))
    with ThreadPoolExecutor(len(servers)) as pool:
        asked = pool.map(lambda server: _asked(server[0], server[1], machine, domains), servers)
        return notes.measured(DnsFacts(resolvers=list(asked)))


def _servers(machine: Machine, notes: Notes) -> list[tuple[str, str]]:
    """Addresses with where they are from; raises MachineAbsent where no server is configured."""
    found = dict.fromkeys(parse_resolv_conf(machine.read_text(RESOLV_CONF)).name_servers, RESOLV_CONF)
    for address in parse_resolv_conf(value_of(notes.noted("dns.resolvers", machine), UPSTREAM) or "").name_servers:
        found.setdefault(address, UPSTREAM)
    if not found:
        raise MachineAbsent(f"{RESOLV_CONF} names no server: only this machine's own files tell names")
    return list(found.items())[:SERVERS_AT_MOST]


def _search_domains(machine: Machine) -> list[str]:
    return list(parse_resolv_conf(value_of(machine, RESOLV_CONF) or "").search_domains)


def _asked(address: str, origin: str, machine: Machine, domains: list[str]) -> Resolver:
    """A server that refuses the root may still serve the machine's own domains: those are then asked for."""
    server = Resolver(address=address, origin=origin, stub=address.startswith("127.") or address == "::1")
    for name, kind in _questions(domains):
        if _ask(server, machine, name, kind) or not server.answers_total:
            break
    if server.answers_total and server.protocol == "udp":
        server.tcp_answered = _answers_tcp(address, machine)
    return server


def _questions(domains: list[str]) -> Iterator[tuple[str, str]]:
    yield ROOT_QUESTION
    yield from ((domain, "SOA") for domain in domains[:2])
    yield PUBLIC_QUESTION


def _ask(server: Resolver, machine: Machine, name: str, kind: str) -> bool:
    """Ask until one answer came, three times at most; True where the answer is a good one."""
    for _ in range(QUERIES):
        server.queries_total += 1
        try:
            answer, told = _query(server.address, machine, name, kind, "udp")
            protocol = "udp"
            if answer.truncated:
                answer, told = _query(server.address, machine, name, kind, "tcp")
                protocol = "tcp"
        except (MeasurementError, ValueError) as error:
            server.reason = str(error)
            continue
        server.answers_total += 1
        server.rcode, server.protocol, server.reason = answer.rcode, protocol, ""
        server.round_trip_seconds, server.recursion_available = told.seconds, answer.recursion_available
        return answer.rcode in GOOD
    return False


def _query(address: str, machine: Machine, name: str, kind: str, protocol: str) -> tuple[DnsAnswer, Exchanged]:
    query = build_query(secrets.randbits(16), name, kind)
    framed = len(query).to_bytes(2, "big") + query if protocol == "tcp" else query
    seconds = TCP_SECONDS if protocol == "tcp" else ANSWER_SECONDS
    # The head is all that is read; over tcp a server keeps the line open, so no more is waited for.
    limit = 2 + len(query) if protocol == "tcp" else 65_535
    told = machine.exchange(protocol, address, PORT, framed, seconds, limit)
    return read_answer(told.data[2:] if protocol == "tcp" else told.data, query), told


def _answers_tcp(address: str, machine: Machine) -> bool:
    try:
        _query(address, machine, *ROOT_QUESTION, "tcp")
    except (MeasurementError, ValueError):
        return False
    return True
