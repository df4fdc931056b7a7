"""The use cases that the console calls, as a route gets them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import Depends
from starlette.requests import HTTPConnection

from caseprobe_collector.audit import AuditLog
from caseprobe_collector.cases import Cases
from caseprobe_collector.config import CollectorConfig
from caseprobe_collector.customers import Customers
from caseprobe_collector.drafts import Drafts
from caseprobe_collector.enrolment import Enrolment
from caseprobe_collector.fleet import Fleet
from caseprobe_collector.ingest import Evidence
from caseprobe_collector.ports import Authority, Bus, Clock
from caseprobe_collector.schedules import Schedules
from caseprobe_collector.sessions import Sessions
from caseprobe_collector.users import Users


class Presence(Protocol):
    """Whether a machine's stream is open: a neighbour's word, which `rpc` gives."""

    def of(self, agent_id: str) -> str:
        """online, unresponsive or offline."""
        ...

    def since(self, agent_id: str) -> datetime | None:
        """Since when."""
        ...

    def seen_at(self, agent_id: str) -> datetime | None:
        """When it last said anything, where that is known here."""
        ...

    def why(self, agent_id: str) -> str:
        """Why it is not online, "" where it is."""
        ...


@dataclass(frozen=True)
class Services:
    """Everything that a route may call."""

    config: CollectorConfig
    authority: Authority
    cases: Cases
    customers: Customers
    fleet: Fleet
    users: Users
    enrolment: Enrolment
    snapshots: Evidence
    sessions: Sessions
    schedules: Schedules
    drafts: Drafts
    presence: Presence
    audit: AuditLog
    bus: Bus
    clock: Clock


def services(connection: HTTPConnection) -> Services:
    """The services of the application that answers."""
    found: Services = connection.app.state.services
    return found


Use = Annotated[Services, Depends(services)]
