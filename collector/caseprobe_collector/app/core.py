"""What machines are served with: stores, use cases and the gRPC server. Nothing of the console is imported here."""

from __future__ import annotations

import logging
import os
import resource
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import grpc

from caseprobe.ids import new_id
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.bus import InProcessBus
from caseprobe_collector.config import CollectorConfig
from caseprobe_collector.drafts import Drafts
from caseprobe_collector.ingest import Ingest, Limits
from caseprobe_collector.rpc import Desk, OpenLinks, build_server
from caseprobe_collector.schedules import Schedules
from caseprobe_collector.sessions import Sessions
from caseprobe_collector.storage import Storage
from caseprobe_collector.users import Users
from caseprobe_collector.witness import Witness

# Files beside the machines' connections: staff's, the database's, objects on their way.
OTHER_FILES = 512

log = logging.getLogger("caseprobe.collector")


class SystemClock:
    """The machine's clocks, as the port `Clock`."""

    def now(self) -> datetime:
        """UTC wall time."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that no clock step moves."""
        return time.monotonic()


def fresh_id(prefix: str) -> str:
    """A new id from this machine's clock and randomness."""
    return new_id(prefix, time.time(), os.urandom(10))


def places(most_machines: int) -> int:
    """So many machines as are asked for, or as there are file descriptors for; raises this process's soft limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most_machines + OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    there = max(1, wanted - OTHER_FILES)
    if there < most_machines:
        log.warning("most_machines = %d, but the limit of open files is %d: %d are served", most_machines, hard, there)
    return there


@dataclass(frozen=True)
class Core:
    """Joined parts and a gRPC server that is bound but not started; certificate and key are PEM."""

    config: CollectorConfig
    storage: Storage
    clock: SystemClock
    bus: InProcessBus
    audit: AuditLog
    links: OpenLinks
    limits: Limits
    ingest: Ingest
    sessions: Sessions
    schedules: Schedules
    drafts: Drafts
    grpc_server: grpc.aio.Server
    link_port: int
    certificate: bytes
    key: bytes


def build_users(storage: Storage) -> Users:
    """The staff accounts alone, for local commands that need no server."""
    clock = SystemClock()
    return Users(storage.transactions, storage.users, AuditLog(storage.audit, clock), clock, fresh_id, os.urandom)


def build_core(config: CollectorConfig, storage: Storage) -> Core:
    """Join them; raises ConfigurationError where the port for machines cannot be had."""
    clock, bus = SystemClock(), InProcessBus()
    run, audit, limits = storage.transactions, AuditLog(storage.audit, clock), Limits()
    links = OpenLinks(bus, clock, places(config.most_machines))
    ingest = Ingest(
        storage.deposits,
        storage.snapshots,
        storage.cases,
        storage.sessions,
        storage.objects,
        audit,
        bus,
        clock,
        shelf=storage.shelf,
        secret=storage.authority.bundle_secret(),
    )
    sessions = Sessions(run, storage.sessions, storage.cases, storage.fleet, links, audit, bus, clock, fresh_id)
    schedules = Schedules(run, storage.schedules, storage.fleet, links, audit, clock, fresh_id)
    witness = Witness(run, storage.witnessed, storage.audit, audit)
    drafts = Drafts(storage.cases, bus, clock)
    fleet, snapshots = storage.fleet, storage.snapshots
    desk = Desk(run, fleet, snapshots, ingest, sessions, schedules, links, clock, limits, audit, witness, drafts)
    certificate, key = storage.authority.server_certificate(config.public_names)
    address = f"{config.link_host}:{config.link_port}"
    server, port = build_server(desk, address, key, certificate, storage.authority.ca_pem())
    return Core(
        config,
        storage,
        clock,
        bus,
        audit,
        links,
        limits,
        ingest,
        sessions,
        schedules,
        drafts,
        server,
        port,
        certificate,
        key,
    )
