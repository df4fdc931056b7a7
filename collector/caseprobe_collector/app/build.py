"""Joins stores, use cases and servers, and runs them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import grpc
import structlog
from fastapi import FastAPI

from caseprobe.errors import CaseprobeError
from caseprobe.ids import new_id
from caseprobe_collector.app.web import Listener, Pem, address_of, bind
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.bus import InProcessBus
from caseprobe_collector.cases import Cases
from caseprobe_collector.config import CollectorConfig
from caseprobe_collector.console import create_console, create_metrics
from caseprobe_collector.customers import Customers
from caseprobe_collector.enrolment import Enrolment
from caseprobe_collector.fleet import Door, Fleet
from caseprobe_collector.ingest import Evidence, Ingest, Limits
from caseprobe_collector.ports import Bus
from caseprobe_collector.rpc import LOOK_SECONDS, Desk, OpenLinks, build_server, refusal
from caseprobe_collector.schedules import Schedules
from caseprobe_collector.sessions import Sessions
from caseprobe_collector.storage import Storage, open_storage
from caseprobe_collector.users import Users

EXPIRE_EVERY_SECONDS = 5.0
DRAIN_SECONDS = 2.0
KEEP_SEEN_SECONDS = 60.0
# So many in one unit of work: whoever commits beside it waits for it.
SEEN_AT_ONCE = 250

log = structlog.get_logger()


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


@dataclass(frozen=True)
class Built:
    """A collector whose parts are joined and whose servers are bound but not started."""

    bus: Bus
    links: OpenLinks
    sessions: Sessions
    grpc_server: grpc.aio.Server
    listeners: list[Listener]
    addresses: dict[str, str]


def build_users(storage: Storage) -> Users:
    """The staff accounts alone, for local commands that need no server."""
    clock = SystemClock()
    return Users(storage.transactions, storage.users, AuditLog(storage.audit, clock), clock, fresh_id, os.urandom)


def build(config: CollectorConfig, storage: Storage) -> Built:
    """Join everything; raises ConfigurationError where a port cannot be had."""
    clock, bus = SystemClock(), InProcessBus()
    authority, run = storage.authority, storage.transactions
    audit = AuditLog(storage.audit, clock)
    links = OpenLinks(bus, clock)
    limits = Limits()
    ingest = Ingest(
        storage.deposits, storage.snapshots, storage.cases, storage.sessions, storage.objects, audit, bus, clock
    )
    sessions = Sessions(run, storage.sessions, storage.cases, storage.fleet, links, audit, bus, clock, fresh_id)
    schedules = Schedules(run, storage.schedules, storage.fleet, links, audit, clock, fresh_id)
    desk = Desk(run, storage.fleet, storage.snapshots, ingest, sessions, schedules, links, clock, limits, audit)
    certificate, key = authority.server_certificate(config.public_names)
    grpc_server, link_port = build_server(
        desk, f"{config.link_host}:{config.link_port}", key, certificate, authority.ca_pem()
    )
    https = bind(config.https_host, config.https_port, "https_port")
    name = config.public_names[0]
    door = Door(
        f"{name}:{config.public_https_port or https.getsockname()[1]}", hashlib.sha256(authority.ca_der()).digest()
    )
    link_address = f"{name}:{config.public_link_port or link_port}"
    console = create_console(
        config=config,
        authority=authority,
        cases=Cases(run, storage.cases, storage.customers, audit, clock, fresh_id),
        customers=Customers(run, storage.customers, audit, clock, fresh_id),
        fleet=Fleet(
            run, storage.fleet, storage.cases, storage.customers, audit, bus, clock, fresh_id, os.urandom, door
        ),
        users=build_users(storage),
        enrolment=Enrolment(
            run, storage.fleet, storage.cases, authority, audit, clock, link_address, config.collector_name
        ),
        snapshots=Evidence(
            run, storage.snapshots, storage.cases, storage.fleet, storage.objects, ingest, audit, clock, limits
        ),
        sessions=sessions,
        schedules=schedules,
        presence=links,
        audit=audit,
        bus=bus,
        clock=clock,
        ready=storage.deposits.ready,
    )
    listeners = [Listener(console, https, _https_pem(config, certificate, key))]
    listeners += _loopback_listeners(config, console, links)
    addresses = {"agents": link_address, "console": f"https://{door.address}", **_loopback_addresses(listeners)}
    return Built(bus, links, sessions, grpc_server, listeners, addresses)


def _https_pem(config: CollectorConfig, certificate: bytes, key: bytes) -> Pem:
    if config.server_certificate_file is None or config.server_key_file is None:
        return Pem(certificate, key)
    return Pem(config.server_certificate_file.read_bytes(), config.server_key_file.read_bytes())


def _loopback_listeners(config: CollectorConfig, console: FastAPI, links: OpenLinks) -> list[Listener]:
    metrics = Listener(create_metrics(links.count), bind("127.0.0.1", config.metrics_port, "metrics_port"))
    if not config.console_http_port:
        return [metrics]
    return [metrics, Listener(console, bind("127.0.0.1", config.console_http_port, "console_http_port"))]


def _loopback_addresses(listeners: list[Listener]) -> dict[str, str]:
    names = ("metrics", "demo")
    return {name: f"http://{address_of(listener.bound)}" for name, listener in zip(names, listeners[1:], strict=False)}


@contextlib.asynccontextmanager
async def running_collector(config: CollectorConfig) -> AsyncIterator[dict[str, str]]:
    """A collector that serves; gives its addresses. On the way out agents are drained and commits finished."""
    async with open_storage(config.data_folder, damaged_too=True) as storage:
        built = build(config, storage)
        await built.grpc_server.start()
        listening = [asyncio.create_task(listener.run_bound()) for listener in built.listeners]
        chores = [
            asyncio.create_task(_expire(built.sessions)),
            asyncio.create_task(_cut_revoked(built)),
            asyncio.create_task(_look(built.links)),
            asyncio.create_task(_keep_seen(built.links, storage)),
        ]
        try:
            yield built.addresses
        finally:
            built.links.drain(DRAIN_SECONDS)
            for listener in built.listeners:
                listener.should_exit = True
            await built.grpc_server.stop(DRAIN_SECONDS)
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*listening, *chores, return_exceptions=True)


async def _expire(sessions: Sessions) -> None:
    while True:
        await asyncio.sleep(EXPIRE_EVERY_SECONDS)
        try:
            await sessions.expire()
        except CaseprobeError as error:
            log.warning("sessions cannot be expired", why=str(error))
        except Exception:
            log.exception("expiring sessions failed")


async def _look(links: OpenLinks) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        links.look()


async def _keep_seen(links: OpenLinks, storage: Storage) -> None:
    """Keep when machines last spoke, so that a collector that was killed still knows it, to the minute."""
    while True:
        await asyncio.sleep(KEEP_SEEN_SECONDS)
        seen = list(links.take_seen().items())
        try:
            for first in range(0, len(seen), SEEN_AT_ONCE):
                part = dict(seen[first : first + SEEN_AT_ONCE])
                await storage.transactions.run(lambda tx, part=part: storage.fleet.mark_seen(tx, part))  # type: ignore[misc]
        except CaseprobeError as error:
            log.warning("last seen is not kept", why=str(error))


async def _cut_revoked(built: Built) -> None:
    """End the streams of machines whose enrolment was ended, as soon as that is durable."""
    frame = refusal("revoked", "this machine's enrolment was ended by the collector's staff")
    async with built.bus.subscribe("fleet") as events:
        async for event in events:
            if event.kind == "agent" and event.body.get("revoked"):
                built.links.close(str(event.body["agent_id"]), frame)
