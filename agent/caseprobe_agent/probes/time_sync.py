"""Whether the clock is kept right: the kernel's own account, who keeps it, and what its configured servers say."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from caseprobe.errors import MeasurementError
from caseprobe.parse.sntp import build_question, read_answer
from caseprobe.parse.time_servers import parse_time_servers
from caseprobe.v1.section_host_pb2 import TimeServer, TimeSyncFacts
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, Reads, names_in, timestamp, value_of

CONFIGURATIONS = (
    "/etc/chrony/chrony.conf",
    "/etc/chrony.conf",
    "/etc/ntpsec/ntp.conf",
    "/etc/ntp.conf",
    "/etc/openntpd/ntpd.conf",
    "/etc/systemd/timesyncd.conf",
)
FOLDERS = ("/etc/chrony/sources.d", "/etc/chrony/conf.d", "/run/chrony-dhcp", "/etc/systemd/timesyncd.conf.d")
# What each daemon keeps below /run while it runs.
DAEMONS = (
    ("chrony", "/run/chrony/chronyd.pid"),
    ("chrony", "/run/chronyd.pid"),
    ("systemd-timesyncd", "/run/systemd/timesync/synchronized"),
    ("systemd-timesyncd", "/run/systemd/timesync"),
    ("ntpd", "/run/ntpd.pid"),
    ("openntpd", "/run/openntpd.pid"),
)
PORT, SERVERS_AT_MOST, ANSWER_SECONDS = 123, 4, 1.0
NOT_ASKED = "not asked: network probes are not permitted here"


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """The kernel's account and the configured servers, none of which is asked."""
    return _measure(machine, ask=False)


def measure_with_network(machine: Machine, _earlier: object | None) -> Measured:
    """The same, and the first four configured servers are asked once each."""
    return _measure(machine, ask=True)


def _measure(machine: Machine, ask: bool) -> Measured:
    notes = Notes()
    facts = TimeSyncFacts(
        measured_at=timestamp(machine.wall_seconds()),
        uptime_seconds=_uptime(notes.noted("time_sync.synchronized", machine)),
    )
    _add_status(facts, machine, notes)
    facts.daemon = next((name for name, path in DAEMONS if machine.exists(path)), "")
    for name in list(dict.fromkeys(_configured(notes.noted("time_sync.servers", machine))))[:SERVERS_AT_MOST]:
        facts.servers.append(_asked(name, machine) if ask else TimeServer(name=name, reason=NOT_ASKED))
    return notes.measured(facts)


def _uptime(machine: Reads) -> float:
    words = (value_of(machine, "/proc/uptime") or "").split()
    return float(words[0]) if words and words[0].replace(".", "", 1).isdecimal() else 0.0


def _add_status(facts: TimeSyncFacts, machine: Machine, notes: Notes) -> None:
    status = notes.attempt("time_sync.synchronized", machine.clock_status)
    if status is not None:
        facts.synchronized = status.synchronized
        facts.maximum_error_seconds = status.maximum_error_seconds
        facts.estimated_error_seconds = status.estimated_error_seconds
        facts.offset_seconds = status.offset_seconds
        facts.frequency_ratio = status.frequency_ratio
        facts.status_bits = status.status_bits


def _configured(machine: Reads) -> Iterator[str]:
    """Servers of every configuration that there is; a machine usually has one."""
    dropped = (f"{folder}/{name}" for folder in FOLDERS for name in names_in(machine, folder))
    for path in (*CONFIGURATIONS, *dropped):
        yield from parse_time_servers(value_of(machine, path) or "")


def _asked(name: str, machine: Machine) -> TimeServer:
    server = TimeServer(name=name, asked=True)
    token = secrets.randbits(64)
    try:
        server.address = machine.look_up(name, ANSWER_SECONDS)
        told = machine.exchange("udp", server.address, PORT, build_question(token), ANSWER_SECONDS)
        answer = read_answer(told.data, token, told.sent_at, told.received_at)
    except (MeasurementError, ValueError) as error:
        server.reason = str(error)
        return server
    server.answered, server.stratum = True, answer.stratum
    server.offset_seconds, server.round_trip_seconds = answer.offset_seconds, answer.round_trip_seconds
    return server
