"""Connections: how many in which state, who listens, tables and queues that run full, segments sent again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import nlargest
from typing import cast

from caseprobe.errors import MachineAbsent, MachineDenied, MeasurementError
from caseprobe.parse.protocol_counters import parse_protocol_counters, parse_sockstat
from caseprobe.parse.socket_table import Listener, SocketTable, parse_socket_states, parse_socket_table
from caseprobe.parse.softnet_stat import parse_softnet_stat
from caseprobe.v1 import section_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.machine.reads import ADVICE
from caseprobe_agent.probes.probe import Measured, Notes, number_of, value_of

NET = "/proc/net"
SNMP, NETSTAT, SOCKSTAT = f"{NET}/snmp", f"{NET}/netstat", f"{NET}/sockstat"
TCP_MEMORY, PORTS = "/proc/sys/net/ipv4/tcp_mem", "/proc/sys/net/ipv4/ip_local_port_range"
CONNTRACK = "/proc/sys/net/netfilter/nf_conntrack"
SOFTNET, ORPHANS = f"{NET}/softnet_stat", "/proc/sys/net/ipv4/tcp_max_orphans"
PROTOCOLS = ("tcp", "tcp6", "udp", "udp6")
# A table of this size holds 100,000 connections.
TABLE_BYTES = 16 << 20
LISTENERS_AT_MOST = 500
# Looking for the owners of sockets reads one link a file; a machine with more open files keeps some owners unnamed.
LINKS_AT_MOST = 50_000
PROGRAMS_AT_MOST = 50
SOCKET = "socket:["


@dataclass(frozen=True)
class Sample:
    """Protocol counters at one moment."""

    at_seconds: float
    counters: Mapping[str, int]


def sample(machine: Machine) -> Sample:
    """Counters now."""
    counters = {
        **parse_protocol_counters(machine.read_text(SNMP)),
        **parse_protocol_counters(machine.read_text(NETSTAT)),
    }
    dropped, squeezed = _softnet(machine)
    return Sample(machine.monotonic_seconds(), {**counters, "dropped": dropped, "squeezed": squeezed})


def _softnet(machine: Machine) -> tuple[int, int]:
    """What processors dropped and left for later; nothing where the kernel does not tell."""
    try:
        return parse_softnet_stat(machine.read_text(SOFTNET))
    except (MeasurementError, ValueError):
        return 0, 0


def measure(machine: Machine, earlier: object | None) -> Measured:
    """Counts, listeners, memory, counters since boot and over the sample; absent where the kernel shows no sockets."""
    notes = Notes()
    facts = section_pb2.SocketsFacts()
    ends = notes.attempt("sockets.ephemeral_ports_total", lambda: _numbers(machine, PORTS, 2)) or [0, -1]
    ports = range(ends[0], ends[1] + 1)
    told = ((protocol, _table(protocol, machine, notes, ports)) for protocol in PROTOCOLS)
    tables = {protocol: table for protocol, table in told if table is not None}
    if not tables:
        if notes.denied:
            raise MachineDenied(f"the tables of sockets in {NET} may not be read")
        raise MachineAbsent(f"the kernel shows no sockets in {NET}")
    for protocol, table in tables.items():
        for state, total in sorted(table.counts.items()):
            facts.counts.add(protocol=protocol, state=state, total=total)
    facts.ephemeral_ports_total = len(ports)
    facts.busiest_destination_connections_total = max(table.busiest for table in tables.values())
    _add_listeners(facts, tables, machine, notes)
    _add_memory(facts, machine, notes)
    _add_counters(facts, machine, notes, earlier if isinstance(earlier, Sample) else None)
    _add_limits(facts, machine, notes)
    return notes.measured(facts)


def measure_with_programs(machine: Machine, earlier: object | None) -> Measured:
    """The same, and which programs hold the sockets; it looks through the open files of every process."""
    measured = measure(machine, earlier)
    notes = Notes(list(measured.lines), list(measured.shortfalls))
    facts = cast(section_pb2.SocketsFacts, measured.facts)
    states: dict[str, str] = {}
    for protocol in PROTOCOLS:
        try:
            text = machine.read_text(f"{NET}/{protocol}", TABLE_BYTES)
        except MeasurementError:
            continue  # measure has told why
        states |= {f"{SOCKET}{inode}]": state for inode, state in parse_socket_states(text, "tcp" in protocol).items()}
    programs: dict[str, section_pb2.ProgramSockets] = {}
    for pid, held in _held(machine, states.keys(), notes):
        name = value_of(machine, f"/proc/{pid}/comm") or pid
        _count(programs.setdefault(name, section_pb2.ProgramSockets(program=name)), [states[one] for one in held])
    facts.programs.extend(nlargest(PROGRAMS_AT_MOST, programs.values(), key=_sockets_total))
    return notes.measured(facts)


def _held(machine: Machine, known: Collection[str], notes: Notes) -> Iterator[tuple[str, set[str]]]:
    """Each process with the sockets that it holds; needs the right to look at other users' open files."""
    hidden = links = 0
    for pid in (name for name in machine.list_dir("/proc") if name.isdecimal()):
        try:
            targets = machine.links_in(f"/proc/{pid}/fd")
        except MachineDenied:
            hidden += 1
            continue
        except MeasurementError:
            continue
        links += len(targets)
        if links > LINKS_AT_MOST:
            notes.lack("sockets.programs", ValueError(f"only {LINKS_AT_MOST} open files were looked at"))
            return
        if held := set(targets).intersection(known):
            yield pid, held
    if hidden:
        why = f"the sockets of {hidden} processes of other users are hidden from us; {ADVICE} them"
        notes.lack("sockets.programs", MachineDenied(why))


def _count(program: section_pb2.ProgramSockets, states: Iterable[str]) -> None:
    program.processes_total += 1
    for state in states:
        name = {"LISTEN": "listening", "ESTABLISHED": "established", "CLOSE_WAIT": "close_wait"}.get(state, "others")
        setattr(program, f"{name}_total", getattr(program, f"{name}_total") + 1)


def _sockets_total(program: section_pb2.ProgramSockets) -> int:
    totals = (program.listening_total, program.established_total, program.close_wait_total, program.others_total)
    return sum(totals)


def _table(protocol: str, machine: Machine, notes: Notes, ports: range) -> SocketTable | None:
    """None where the kernel has no such table, as without IPv6."""
    path = f"{NET}/{protocol}"
    if not machine.exists(path):
        return None
    text = notes.attempt(f"sockets.{protocol}", lambda: machine.read_text(path, TABLE_BYTES))
    if text is None:
        return None
    if len(text) >= TABLE_BYTES:
        notes.lack(
            f"sockets.{protocol}", ValueError(f"{path} is longer than {TABLE_BYTES} bytes; the rest is not counted")
        )
    return parse_socket_table(text, protocol.startswith("tcp"), ports if protocol.startswith("tcp") else range(0))


def _add_listeners(
    facts: section_pb2.SocketsFacts, tables: Mapping[str, SocketTable], machine: Machine, notes: Notes
) -> None:
    listeners = [(protocol, listener) for protocol, table in tables.items() for listener in table.listeners]
    listeners = listeners[:LISTENERS_AT_MOST]
    owners = _owners({listener.inode for _, listener in listeners}, machine, notes)
    for protocol, listener in listeners:
        facts.listening.append(_listening(protocol, listener, owners.get(listener.inode, "")))


def _listening(protocol: str, listener: Listener, process: str) -> section_pb2.ListeningSocket:
    return section_pb2.ListeningSocket(
        protocol=protocol,
        address=listener.address,
        port=listener.port,
        process=process,
        queue_length=listener.queue,
    )


def _owners(inodes: set[int], machine: Machine, notes: Notes) -> dict[int, str]:
    """Process name by socket; needs the right to look at other users' open files."""
    found: dict[int, str] = {}
    wanted = {f"{SOCKET}{inode}]" for inode in inodes}
    hidden = 0
    links = 0
    for pid in (name for name in machine.list_dir("/proc") if name.isdecimal()):
        if found.keys() >= inodes or links > LINKS_AT_MOST:
            break
        try:
            targets = machine.links_in(f"/proc/{pid}/fd")
            links += len(targets)
            for inode in wanted.intersection(targets):
                found.setdefault(int(inode[len(SOCKET) : -1]), value_of(machine, f"/proc/{pid}/comm") or "")
        except MachineDenied:
            hidden += 1
        except MeasurementError:
            continue
    if hidden and not found.keys() >= inodes:
        notes.lack(
            "sockets.process",
            MachineDenied(f"the owners of some sockets are hidden from us; {ADVICE} them"),
        )
    return found


def _add_memory(facts: section_pb2.SocketsFacts, machine: Machine, notes: Notes) -> None:
    text = notes.attempt("sockets.tcp_memory_pages", lambda: machine.read_text(SOCKSTAT))
    if text is not None:
        told = parse_sockstat(text)
        facts.tcp_memory_pages = told.get("TCP.mem", 0)
        facts.tcp_orphans = told.get("TCP.orphan", 0)
        facts.tcp_time_wait = told.get("TCP.tw", 0)
        notes.quote(SOCKSTAT, text, ("TCP:",))
    facts.tcp_orphans_limit = number_of(notes.noted("sockets.tcp_memory_pages", machine), ORPHANS) or 0
    marks = notes.attempt("sockets.tcp_memory_limit_pages", lambda: _numbers(machine, TCP_MEMORY, 3))
    if marks is not None:
        _, facts.tcp_memory_pressure_pages, facts.tcp_memory_limit_pages = marks


def _numbers(machine: Machine, path: str, count: int) -> list[int]:
    numbers = [int(word) for word in machine.read_text(path).split()]
    if len(numbers) != count:
        raise ValueError(f"{path} holds {len(numbers)} numbers instead of {count}")
    return numbers


def _add_counters(facts: section_pb2.SocketsFacts, machine: Machine, notes: Notes, earlier: Sample | None) -> None:
    notes.quote(SNMP, value_of(machine, SNMP) or "", ("Tcp:",))
    notes.quote(NETSTAT, value_of(machine, NETSTAT) or "", ("TcpExt:",))
    now = notes.attempt("sockets.segments_sent_total", lambda: sample(machine))
    if now is None:
        return
    facts.segments_sent_total = now.counters.get("Tcp.OutSegs", 0)
    facts.segments_retransmitted_total = now.counters.get("Tcp.RetransSegs", 0)
    facts.listen_overflows_total = now.counters.get("TcpExt.ListenOverflows", 0)
    facts.listen_drops_total = now.counters.get("TcpExt.ListenDrops", 0)
    softnet = notes.parsed("sockets.softnet_dropped_total", machine, SOFTNET, parse_softnet_stat)
    if softnet is not None:
        facts.softnet_dropped_total, facts.softnet_squeezed_total = softnet
    if earlier is not None and now.at_seconds > earlier.at_seconds:
        _add_rates(facts, now, earlier)


def _add_rates(facts: section_pb2.SocketsFacts, now: Sample, earlier: Sample) -> None:
    def passed(name: str) -> int:
        return max(0, now.counters.get(name, 0) - earlier.counters.get(name, 0))

    facts.sample_seconds = now.at_seconds - earlier.at_seconds
    facts.listen_overflows_per_second = passed("TcpExt.ListenOverflows") / facts.sample_seconds
    facts.softnet_dropped_per_second = passed("dropped") / facts.sample_seconds
    facts.softnet_squeezed_per_second = passed("squeezed") / facts.sample_seconds
    facts.retransmitted_ratio = passed("Tcp.RetransSegs") / max(1, passed("Tcp.OutSegs"))


def _add_limits(facts: section_pb2.SocketsFacts, machine: Machine, notes: Notes) -> None:
    told = notes.noted("sockets.conntrack_entries", machine)
    entries, limit = number_of(told, f"{CONNTRACK}_count"), number_of(told, f"{CONNTRACK}_max")
    if entries is not None and limit is not None:
        facts.conntrack_entries, facts.conntrack_limit = entries, limit
        notes.quote(f"{CONNTRACK}_count", str(entries))
        notes.quote(f"{CONNTRACK}_max", str(limit))
