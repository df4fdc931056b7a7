"""Customers, staff, one's own account, and the audit chain."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from caseprobe.errors import CaseprobeError
from caseprobe_collector.access import Action, Principal, Role, limited_role
from caseprobe_collector.console.rendering import page
from caseprobe_collector.console.routing import By, Route
from caseprobe_collector.console.services import Services, Use
from caseprobe_collector.console.staff_views import audit_view, principal_view, token_view, user_view
from caseprobe_collector.console.views import customer_view

AUDIT_ROWS = 200


async def list_customers(request: Request, use: Use, by: By) -> Response:
    """The customers that one may see."""
    return page(request, "customers.html", customers=[customer_view(c) for c in await use.customers.list(by)])


async def list_users(request: Request, use: Use, by: By) -> Response:
    """All staff."""
    customers = {c.customer_id: customer_view(c) for c in await use.customers.list(by)}
    users = [user_view(user) for user in await use.users.list(by)]
    return page(request, "users.html", users=users, customers=customers, roles=list(Role))


async def get_account(request: Request, use: Use, by: By) -> Response:
    """One's own rights and tokens."""
    tokens = [token_view(token) for token in await use.users.list_tokens(by)]
    roles = [role for role in Role if by.role is not None and limited_role(by.role, role)]
    return page(request, "account.html", me=principal_view(by), tokens=tokens, roles=roles)


async def list_audit(request: Request, use: Use, by: By, first: Annotated[int | None, Query(ge=1)] = None) -> Response:
    """The chain, a page at a time, newest first, under what the store warns of: who answers for it reads here."""
    newest = await use.audit.newest(by)
    first = first or max(1, newest - AUDIT_ROWS + 1)
    rows = [audit_view(row) for row in await use.audit.list(by, first, AUDIT_ROWS)][::-1]
    names, warnings = await _names(use, by), await _warnings(request)
    return page(
        request,
        "audit.html",
        rows=rows,
        first=first,
        step=AUDIT_ROWS,
        newest=newest,
        names=names,
        warnings=warnings,
    )


async def _warnings(request: Request) -> list[str]:
    """What was found missing or damaged, or what keeps the store from serving."""
    try:
        found: list[str] = await request.app.state.ready()
    except CaseprobeError as error:
        return [str(error)]
    return found


async def _names(use: Services, by: Principal) -> dict[str, str]:
    """What people call the users, machines, customers and cases that entries name by id; by actor or object."""
    users = await use.users.list(by)
    return {
        **{f"user:{user.user_id}": user.name for user in users},
        **{user.user_id: user.name for user in users},
        **{agent.agent_id: agent.label for agent in await use.fleet.list(by)},
        **{customer.customer_id: customer.name for customer in await use.customers.list(by)},
        **{case.case_id: case.title for case in await use.cases.list(by, None)},
    }


ROUTES = (
    Route("GET", "/customers", Action.CUSTOMER_READ, list_customers),
    Route("GET", "/users", Action.USER_ADMIN, list_users),
    Route("GET", "/account", Action.OWN_ACCOUNT, get_account),
    Route("GET", "/audit", Action.AUDIT_READ, list_audit),
)
