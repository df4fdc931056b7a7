"""Builds the collector: the only module that joins stores, use cases and servers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import grpc
import structlog

from caseprobe.ids import new_id
from caseprobe_collector.app.web import Listener, address_of, bind
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.bus import InProcessBus
from caseprobe_collector.cases import Cases
from caseprobe_collector.config import CollectorConfig
from caseprobe_collector.console import create_console, create_metrics
from caseprobe_collector.customers import Customers
from caseprobe_collector.enrolment import Enrolment
from caseprobe_collector.fleet import Fleet
from caseprobe_collector.ingest import Evidence, Ingest, Limits
from caseprobe_collector.ports import Bus
from caseprobe_collector.rpc import Desk, OpenLinks, build_server, refusal
from caseprobe_collector.schedules import Schedules
from caseprobe_collector.sessions import Sessions
from caseprobe_collector.storage import Storage, open_storage
from caseprobe_collector.users import Users

EXPIRE_EVERY_SECONDS = 5.0
DRAIN_SECONDS = 2.0

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

    storage: Storage
    links: OpenLinks
    sessions: Sessions
    grpc_server: grpc.aio.Server
    listeners: list[Listener]
    bus: Bus
    addresses: dict[str, str]


def build(config: CollectorConfig, storage: Storage) -> Built:
    """Join stores, use cases and servers; raises ConfigurationError where a port cannot be had."""
    clock, bus = SystemClock(), InProcessBus()
    authority, run = storage.authority, storage.transactions
    audit = AuditLog(storage.audit, clock)
    links = OpenLinks(bus, clock)
    limits = Limits()
    ingest = Ingest(run, storage.snapshots, storage.cases, storage.sessions, storage.objects, audit, bus, clock)
    sessions = Sessions(run, storage.sessions, storage.cases, storage.fleet, links, audit, bus, clock, fresh_id)
    schedules = Schedules(run, storage.schedules, storage.fleet, links, audit, clock, fresh_id)
    desk = Desk(run, storage.fleet, storage.snapshots, ingest, sessions, schedules, links, clock, limits)
    certificate, key = authority.server_certificate(config.public_names)
    grpc_server, link_port = build_server(
        desk, f"{config.link_host}:{config.link_port}", key, certificate, authority.ca_pem()
    )
    console = create_console(
        config=config,
        authority=authority,
        cases=Cases(run, storage.cases, audit, clock, fresh_id),
        customers=Customers(run, storage.customers, audit, clock, fresh_id),
        fleet=Fleet(run, storage.fleet, audit, clock, fresh_id),
        users=Users(run, storage.users, audit, clock, fresh_id),
        enrolment=Enrolment(run, storage.fleet, storage.cases, authority, audit, clock),
        snapshots=Evidence(
            run, storage.snapshots, storage.cases, storage.fleet, storage.objects, ingest, audit, clock, limits
        ),
        sessions=sessions,
        schedules=schedules,
        presence=links,
        audit=audit,
        bus=bus,
        clock=clock,
    )
    listeners, addresses = listen(config, console, links)
    return Built(
        storage,
        links,
        sessions,
        grpc_server,
        listeners,
        bus,
        {"agents": f"{config.link_host}:{link_port}", **addresses},
    )


def listen(config: CollectorConfig, console: Any, links: OpenLinks) -> tuple[list[Listener], dict[str, str]]:
    """The HTTP listeners, bound, and the address of each by what it is for."""
    https = bind(config.https_host, config.https_port, "https_port")
    metrics = bind("127.0.0.1", config.metrics_port, "metrics_port")
    listeners = [
        Listener(console, https, config.server_certificate_file, config.server_key_file),
        Listener(create_metrics(links.count), metrics),
    ]
    addresses = {"console": f"https://{address_of(https)}", "metrics": f"http://{address_of(metrics)}/metrics"}
    if config.console_http_port:
        plain = bind("127.0.0.1", config.console_http_port, "console_http_port")
        listeners.append(Listener(console, plain))
        addresses["console"] = f"http://{address_of(plain)}"
    return listeners, addresses


@contextlib.asynccontextmanager
async def running_collector(config: CollectorConfig) -> AsyncIterator[dict[str, str]]:
    """A collector that serves; gives its addresses. On the way out agents are drained and every commit is finished."""
    async with open_storage(config.data_folder) as storage:
        built = build(config, storage)
        await built.grpc_server.start()
        tasks = [asyncio.create_task(listener.run_bound()) for listener in built.listeners]
        tasks += [asyncio.create_task(_expire(built.sessions)), asyncio.create_task(_cut_revoked(built))]
        try:
            yield built.addresses
        finally:
            await _stop(built, tasks)


async def _stop(built: Built, tasks: list[asyncio.Task[None]]) -> None:
    built.links.drain(DRAIN_SECONDS)
    for listener in built.listeners:
        listener.should_exit = True
    await built.grpc_server.stop(DRAIN_SECONDS)
    for task in tasks[len(built.listeners) :]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _expire(sessions: Sessions) -> None:
    while True:
        await asyncio.sleep(EXPIRE_EVERY_SECONDS)
        try:
            await sessions.expire()
        except Exception:
            log.exception("expiring sessions failed")


async def _cut_revoked(built: Built) -> None:
    """End the streams of machines whose enrolment was ended, as soon as that is durable."""
    frame = refusal("revoked", "this machine's enrolment was ended by the collector's staff")
    async with built.bus.subscribe("fleet") as events:
        async for event in events:
            if event.kind == "agent" and event.body.get("revoked"):
                built.links.close(str(event.body["agent_id"]), frame)
