"""Staff and the audit chain."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from caseprobe_collector.access import Action
from caseprobe_collector.console.bodies import NewUser
from caseprobe_collector.console.routing import By, Route
from caseprobe_collector.console.services import Use
from caseprobe_collector.console.staff_views import AuditView, UserView, audit_view, user_view


async def list_users(use: Use, by: By) -> list[UserView]:
    """All staff."""
    return [user_view(user) for user in await use.users.list(by)]


async def create_user(use: Use, by: By, body: NewUser) -> UserView:
    """A new member of staff."""
    customers = None if body.customer_ids is None else frozenset(body.customer_ids)
    return user_view(await use.users.create(by, body.name, body.password, body.role, customers))


async def disable_user(use: Use, by: By, user_id: str) -> Response:
    """End what someone may do, within seconds also where they are logged in."""
    await use.users.disable(by, user_id)
    return Response(status_code=204)


async def list_audit(
    use: Use,
    by: By,
    first: Annotated[int, Query(ge=1)] = 1,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> list[AuditView]:
    """The chain from a number on."""
    return [audit_view(row) for row in await use.audit.list(by, first, limit)]


ROUTES = (
    Route("GET", "/api/v1/users", Action.USER_ADMIN, list_users),
    Route("POST", "/api/v1/users", Action.USER_ADMIN, create_user, 201),
    Route("POST", "/api/v1/users/{user_id}/disable", Action.USER_ADMIN, disable_user, 204),
    Route("GET", "/api/v1/audit", Action.AUDIT_READ, list_audit),
)
