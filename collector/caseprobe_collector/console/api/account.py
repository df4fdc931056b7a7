"""Who one is: log in, log out, one's own tokens."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import JSONResponse, Response

from caseprobe.errors import NotAllowed
from caseprobe_collector.access import Action, limited_role
from caseprobe_collector.console.bodies import NewLogin, NewToken
from caseprobe_collector.console.routing import By, Route
from caseprobe_collector.console.services import Use
from caseprobe_collector.console.staff_views import PrincipalView, TokenView, principal_view, token_view


async def login(use: Use, body: NewLogin) -> TokenView:
    """A secret to send as a bearer token; for command lines, browsers use the login page."""
    secret, token = await use.users.login(body.name, body.password, use.clock.now())
    return token_view(token, secret)


async def logout(request: Request, use: Use, by: By) -> Response:
    """Ends the login that the request came with."""
    await use.users.logout(request.state.secret)
    return Response(status_code=204)


async def get_me(by: By) -> PrincipalView:
    """Who one is, and what one may do."""
    return principal_view(by)


async def list_tokens(use: Use, by: By) -> list[TokenView]:
    """One's own tokens, without their secrets."""
    return [token_view(token) for token in await use.users.list_tokens(by)]


async def create_token(use: Use, by: By, body: NewToken) -> TokenView:
    """A token, its secret told this once; never with more rights than its maker."""
    if by.role is None or not limited_role(by.role, body.role):
        raise NotAllowed(f"a token of role {body.role} would hold rights that you lack; choose a smaller role")
    secret, token = await use.users.create_token(by, body.name, body.role, body.lifetime)
    return token_view(token, secret)


async def revoke_token(use: Use, by: By, token_id: str) -> Response:
    """Ends a token of one's own."""
    await use.users.revoke_token(by, token_id)
    return Response(status_code=204)


async def get_openapi(request: Request) -> JSONResponse:
    """The API's description, made from its types."""
    return JSONResponse(request.app.openapi())


ROUTES = (
    Route("POST", "/api/v1/login", Action.LOGIN, login),
    Route("POST", "/api/v1/logout", Action.OWN_ACCOUNT, logout, 204),
    Route("GET", "/api/v1/me", Action.OWN_ACCOUNT, get_me),
    Route("GET", "/api/v1/tokens", Action.OWN_ACCOUNT, list_tokens),
    Route("POST", "/api/v1/tokens", Action.OWN_ACCOUNT, create_token, 201),
    Route("DELETE", "/api/v1/tokens/{token_id}", Action.OWN_ACCOUNT, revoke_token, 204),
    Route("GET", "/api/v1/openapi.json", Action.OWN_ACCOUNT, get_openapi),
)
