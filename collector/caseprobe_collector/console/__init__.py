"""The console: HTTP API, pages, WebSocket, enrolment and health, on one HTTPS port."""

from __future__ import annotations

from fastapi import FastAPI

from caseprobe_collector.console.application import build
from caseprobe_collector.console.health import Ready, always_ready
from caseprobe_collector.console.metrics import create_metrics
from caseprobe_collector.console.services import (
    Audit,
    Cases,
    ConsoleConfig,
    Customers,
    Enrolment,
    Fleet,
    Presence,
    Schedules,
    Services,
    Sessions,
    Snapshots,
    Users,
)
from caseprobe_collector.ports import Authority, Bus, Clock

__all__ = ["create_console", "create_metrics"]


def create_console(
    *,
    config: ConsoleConfig,
    authority: Authority,
    cases: Cases,
    customers: Customers,
    fleet: Fleet,
    users: Users,
    enrolment: Enrolment,
    snapshots: Snapshots,
    sessions: Sessions,
    schedules: Schedules,
    presence: Presence,
    audit: Audit,
    bus: Bus,
    clock: Clock,
    ready: Ready = always_ready,
) -> FastAPI:
    """The console over these use cases, each by its name.

    ready is asked by /readyz and raises a CaseprobeError where the collector cannot serve.
    Raises RuntimeError where a route does not declare its action.
    """
    services = Services(
        config=config,
        authority=authority,
        cases=cases,
        customers=customers,
        fleet=fleet,
        users=users,
        enrolment=enrolment,
        snapshots=snapshots,
        sessions=sessions,
        schedules=schedules,
        presence=presence,
        audit=audit,
        bus=bus,
        clock=clock,
    )
    return build(services, ready)


__all__ = ["create_console", "create_metrics"]
