"""What people are served with: console, API and metrics, and the listeners that they are bound to."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

from fastapi import FastAPI

from caseprobe.bundle.age import recipient_of
from caseprobe_collector.app.conversion import ChildConverter
from caseprobe_collector.app.core import Core, build_users, fresh_id
from caseprobe_collector.app.web import Listener, Pem, address_of, bind
from caseprobe_collector.cases import Cases
from caseprobe_collector.config import CollectorConfig
from caseprobe_collector.console import Services, create_console, create_metrics
from caseprobe_collector.customers import Customers
from caseprobe_collector.enrolment import Enrolment
from caseprobe_collector.fleet import Door, Fleet
from caseprobe_collector.ingest import Evidence
from caseprobe_collector.rpc import OpenLinks
from caseprobe_collector.storage import Storage
from caseprobe_collector.tickets import Tickets

MOST_WARNINGS = 20


@dataclass(frozen=True)
class Surface:
    """Listeners that are bound but not started, and every address of the collector by its name."""

    listeners: list[Listener]
    addresses: dict[str, str]


def build_surface(core: Core) -> Surface:
    """Raises ConfigurationError where a port cannot be had."""
    config, authority = core.config, core.storage.authority
    https = bind(config.https_host, config.https_port, "https_port")
    name = config.public_names[0]
    port = config.public_https_port or https.getsockname()[1]
    recipient = recipient_of(authority.bundle_secret())
    ca_sha256 = hashlib.sha256(authority.ca_der()).digest()
    door = Door(f"{name}:{port}", ca_sha256, recipient if config.encrypt_bundles else "")
    link_address = f"{name}:{config.public_link_port or core.link_port}"
    console = _console(core, door, link_address, recipient)
    listeners = [Listener(console, https, _https_pem(config, core.certificate, core.key))]
    listeners += _loopback_listeners(config, console, core.links)
    addresses = {"agents": link_address, "console": f"https://{door.address}", **_loopback_addresses(listeners)}
    return Surface(listeners, addresses)


def _console(core: Core, door: Door, link_address: str, recipient: str) -> FastAPI:
    storage, audit, bus, clock, config = core.storage, core.audit, core.bus, core.clock, core.config
    run, cases, fleet, codes = storage.transactions, storage.cases, storage.fleet, storage.join_codes
    services = Services(
        config=config,
        authority=storage.authority,
        cases=Cases(run, cases, storage.customers, audit, clock, fresh_id),
        customers=Customers(run, storage.customers, audit, clock, fresh_id),
        fleet=Fleet(run, fleet, codes, cases, storage.customers, audit, bus, clock, fresh_id, os.urandom, door),
        users=build_users(storage),
        enrolment=Enrolment(
            run,
            fleet,
            codes,
            cases,
            Tickets(codes, storage.snapshots, clock),
            storage.snapshots,
            storage.authority,
            audit,
            clock,
            link_address,
            config.collector_name,
            recipient,
        ),
        snapshots=Evidence(
            run,
            storage.snapshots,
            cases,
            fleet,
            storage.objects,
            core.ingest,
            audit,
            clock,
            core.limits,
            ChildConverter(lambda customer_id: storage.authority.secret_for(f"imports of {customer_id}")),
        ),
        sessions=core.sessions,
        schedules=core.schedules,
        drafts=core.drafts,
        presence=core.links,
        audit=audit,
        bus=bus,
        clock=clock,
    )
    return create_console(services, lambda: _ready(storage))


async def _ready(storage: Storage) -> list[str]:
    """What the store warns of; raises what keeps it from storing."""
    await storage.deposits.ready()
    losses = [loss for loss in await storage.losses.list_losses() if loss.settled_at is None]
    damaged = await storage.scrub.count_damaged()
    warnings = [f"{loss.found_at:%Y-%m-%d %H:%M} UTC: {loss.what}" for loss in losses[-MOST_WARNINGS:]]
    return warnings + ([f"{damaged} snapshots are damaged: caseprobe-collector check names them"] if damaged else [])


def _https_pem(config: CollectorConfig, certificate: bytes, key: bytes) -> Pem:
    if config.server_certificate_file is None or config.server_key_file is None:
        return Pem(certificate, key)
    return Pem(config.server_certificate_file.read_bytes(), config.server_key_file.read_bytes())


def _loopback_listeners(config: CollectorConfig, console: FastAPI, links: OpenLinks) -> list[Listener]:
    metrics = Listener(create_metrics(links), bind("127.0.0.1", config.metrics_port, "metrics_port"))
    if not config.console_http_port:
        return [metrics]
    return [metrics, Listener(console, bind("127.0.0.1", config.console_http_port, "console_http_port"))]


def _loopback_addresses(listeners: list[Listener]) -> dict[str, str]:
    names = ("metrics", "demo")
    return {name: f"http://{address_of(listener.bound)}" for name, listener in zip(names, listeners[1:], strict=False)}
