"""Cases and customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Query

from caseprobe.v1 import enrolment_pb2
from caseprobe_collector.access import Action
from caseprobe_collector.console.api.sessions import SessionResult, session_result
from caseprobe_collector.console.api.snapshots import SnapshotView, seen_snapshot, snapshot_view
from caseprobe_collector.console.bodies import NewBundleCode, NewCase, NewCustomer
from caseprobe_collector.console.routing import By, Route
from caseprobe_collector.console.services import Use
from caseprobe_collector.console.staff_views import JoinCodeView, join_code_view
from caseprobe_collector.console.views import CaseView, CustomerView, case_view, customer_view

Limit = Annotated[int, Query(ge=1, le=500)]


@dataclass(frozen=True)
class CaseEvidence:
    """A case with all that was measured for it."""

    case: CaseView
    snapshots: list[SnapshotView]
    sessions: list[SessionResult]


@dataclass(frozen=True)
class CaseDeleted:
    """What went with a case."""

    case_id: str
    snapshots_total: int


async def list_cases(
    use: Use, by: By, state: Literal["open", "closed"] | None = None, limit: Limit = 200, before: str | None = None
) -> list[CaseView]:
    """Cases, newest first; before is the case id to go on from."""
    return [case_view(case) for case in await use.cases.list(by, state, limit, before)]


async def create_case(use: Use, by: By, body: NewCase) -> CaseView:
    """Open a case."""
    return case_view(await use.cases.create(by, body.customer_id, body.title, body.description))


async def get_case(use: Use, by: By, case_id: str) -> CaseEvidence:
    """A case with its snapshots, their findings, and its sessions with their path summaries."""
    case = await use.cases.get(by, case_id)
    rows = await use.snapshots.list_by_case(by, case_id)
    taken = {row.snapshot_id: await seen_snapshot(use, by, row) for row in rows}
    sessions = await use.sessions.list_by_case(by, case_id)
    return CaseEvidence(
        case_view(case),
        [snapshot_view(row, snapshot) for row, snapshot in taken.values()],
        [session_result(s, taken[s.snapshot_id][1] if s.snapshot_id in taken else None) for s in sessions],
    )


async def close_case(use: Use, by: By, case_id: str) -> CaseView:
    """Close a case: it takes no more evidence."""
    await use.cases.close(by, case_id)
    return case_view(await use.cases.get(by, case_id))


async def reopen_case(use: Use, by: By, case_id: str) -> CaseView:
    """Open a closed case again."""
    await use.cases.reopen(by, case_id)
    return case_view(await use.cases.get(by, case_id))


async def delete_case(use: Use, by: By, case_id: str) -> CaseDeleted:
    """Remove a closed case with all its evidence for good; on a full disk too."""
    return CaseDeleted(case_id, await use.snapshots.delete_case(by, case_id))


async def create_bundle_code(use: Use, by: By, case_id: str, body: NewBundleCode) -> JoinCodeView:
    """A code with which one bundle goes to this case; its text is told this once."""
    case = await use.cases.get(by, case_id)
    purpose = enrolment_pb2.JOIN_PURPOSE_BUNDLE
    record, text = await use.fleet.create_join_code(by, purpose, case.customer_id, case_id, 1, body.lifetime)
    return join_code_view(record, text)


async def list_customers(use: Use, by: By) -> list[CustomerView]:
    """The customers that one may see."""
    return [customer_view(customer) for customer in await use.customers.list(by)]


async def create_customer(use: Use, by: By, body: NewCustomer) -> CustomerView:
    """A new customer."""
    return customer_view(await use.customers.create(by, body.name))


ROUTES = (
    Route("GET", "/api/v1/cases", Action.CASE_READ, list_cases),
    Route("POST", "/api/v1/cases", Action.CASE_WRITE, create_case, 201),
    Route("GET", "/api/v1/cases/{case_id}", Action.CASE_READ, get_case),
    Route("DELETE", "/api/v1/cases/{case_id}", Action.CASE_DELETE, delete_case),
    Route("POST", "/api/v1/cases/{case_id}/close", Action.CASE_CLOSE, close_case),
    Route("POST", "/api/v1/cases/{case_id}/reopen", Action.CASE_CLOSE, reopen_case),
    Route("POST", "/api/v1/cases/{case_id}/join-codes", Action.JOIN_CODE_BUNDLE, create_bundle_code, 201),
    Route("GET", "/api/v1/customers", Action.CUSTOMER_READ, list_customers),
    Route("POST", "/api/v1/customers", Action.CUSTOMER_WRITE, create_customer, 201),
)
