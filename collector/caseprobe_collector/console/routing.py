"""Every route names the action that it is; `access` decides, and a route without an action stops the start."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.requests import HTTPConnection, Request
from starlette.routing import BaseRoute

from caseprobe.errors import NotAllowed
from caseprobe_collector.access import NOBODY, OPEN, Action, Principal, decide
from caseprobe_collector.console.credentials import SAFE_METHODS, check_csrf, check_origin, read_credential
from caseprobe_collector.console.errors import NotLoggedIn
from caseprobe_collector.console.services import services

WEBSOCKET = "WEBSOCKET"


class Rule:
    """The guard of one route: finds out who asks, and lets `access` decide."""

    def __init__(self, action: Action) -> None:
        self.action = action

    async def __call__(self, connection: HTTPConnection) -> None:
        """Put the principal beside the request, or raise NotLoggedIn or NotAllowed."""
        principal = await identify(connection)
        connection.state.principal = principal
        if decide(principal, self.action):
            return
        if principal is NOBODY:
            raise NotLoggedIn("log in first, or send a token that is still good")
        raise NotAllowed(f"your role ({principal.role or principal.kind}) may not do this ({self.action})")


async def identify(connection: HTTPConnection) -> Principal:
    """Who asks; NOBODY without a good credential. A cookie that changes something must come from our own page."""
    credential = read_credential(connection)
    changes = connection.scope["type"] == "websocket" or connection.scope["method"] not in SAFE_METHODS
    if changes:
        check_origin(connection, required=credential is not None and credential.by_cookie)
    connection.state.secret = credential.secret if credential else ""
    if credential is None:
        return NOBODY
    principal = await services(connection).users.authenticate(credential.secret)
    if principal is None or principal.kind == "agent":
        return NOBODY
    if changes and credential.by_cookie and isinstance(connection, Request):
        await check_csrf(connection, credential.secret)
    return principal


def principal_of(connection: HTTPConnection) -> Principal:
    """Who asks, as the route's rule found out."""
    found: Principal = connection.state.principal
    return found


By = Annotated[Principal, Depends(principal_of)]


@dataclass(frozen=True)
class Route:
    """One way in: method, path, what it is, and what answers."""

    method: str
    path: str
    action: Action
    endpoint: Callable[..., Any]
    status: int = 200

    @property
    def in_schema(self) -> bool:
        """True for the API, which is documented by its types."""
        return self.path.startswith("/api/")


def add_routes(app: FastAPI, routes: Iterable[Route]) -> None:
    """Hang each route behind its rule."""
    for route in routes:
        rule = [Depends(Rule(route.action))]
        if route.method == WEBSOCKET:
            app.add_api_websocket_route(route.path, route.endpoint, dependencies=rule)
            continue
        app.add_api_route(
            route.path,
            route.endpoint,
            methods=[route.method],
            dependencies=rule,
            status_code=route.status,
            include_in_schema=route.in_schema,
        )


def rule_of(route: BaseRoute) -> Rule | None:
    """The rule that guards a route; None where there is none."""
    if not isinstance(route, APIRoute | APIWebSocketRoute):
        return None
    return next((d.call for d in route.dependant.dependencies if isinstance(d.call, Rule)), None)


def check_rules(app: FastAPI) -> None:
    """Raise RuntimeError where a route has no rule: such a console does not start."""
    bare = [getattr(route, "path", repr(route)) for route in app.routes if rule_of(route) is None]
    if bare:
        raise RuntimeError(f"routes without a declared action: {', '.join(bare)}")


def is_open(action: Action) -> bool:
    """True where the action needs no login."""
    return action in OPEN
