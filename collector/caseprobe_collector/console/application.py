"""Puts the console together; does not start unless every way in names its action."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import Scope
from starlette.websockets import WebSocket

from caseprobe.errors import CaseprobeError
from caseprobe_collector.console import api, assets, enrol, health, live, pages
from caseprobe_collector.console.assets import read_assets
from caseprobe_collector.console.errors import Failure, failure_of, failure_of_status
from caseprobe_collector.console.hub import Hub
from caseprobe_collector.console.pages.login import login_address
from caseprobe_collector.console.rendering import Renderer, page
from caseprobe_collector.console.routing import add_routes, check_rules
from caseprobe_collector.console.services import Services
from caseprobe_collector.console.shield import TOO_LARGE, Shield

ROUTES = (*health.ROUTES, *enrol.ROUTES, *assets.ROUTES, *pages.ROUTES, *api.ROUTES, *live.ROUTES)
CLOSE_CODES = {401: 4401, 403: 4403, 404: 4404}
RECHECK_SECONDS = 2.0


def build(services: Services, ready: health.Ready, new_reference: Callable[[], str] | None = None) -> FastAPI:
    """The console over these services; raises RuntimeError where a route has no rule."""
    app = FastAPI(
        title="caseprobe", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, debug=False
    )
    files = read_assets()
    app.state.services = services
    app.state.ready = ready
    app.state.assets = files
    app.state.renderer = Renderer(files)
    app.state.hub = Hub(services.bus)
    app.state.recheck_seconds = RECHECK_SECONDS
    add_routes(app, ROUTES)
    check_rules(app)
    app.add_exception_handler(CaseprobeError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_middleware(
        Shield,
        names=tuple(services.config.public_names),
        render=lambda scope, failure: answer_failure(_request(app, scope), failure),
        new_reference=new_reference or (lambda: secrets.token_hex(4)),
    )
    return app


def _request(app: FastAPI, scope: Scope) -> Request:
    scope.setdefault("app", app)
    return Request(scope)


async def _on_error(connection: HTTPConnection, error: Exception) -> Response:
    assert isinstance(error, CaseprobeError)
    failure = failure_of(error)
    if isinstance(connection, WebSocket):
        await connection.close(CLOSE_CODES.get(failure.status, 1008), failure.message[:120])
        return Response()
    return answer_failure(Request(connection.scope), failure)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0] if error.errors() else {"loc": (), "msg": "not valid"}
    place = ".".join(str(part) for part in first["loc"][1:]) or "the body"
    return answer_failure(request, Failure(400, "usage", f"{place}: {first['msg']}"))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = 413 if request.scope.get(TOO_LARGE) else error.status_code
    return answer_failure(request, failure_of_status(status))


def answer_failure(request: Request, failure: Failure) -> Response:
    """The error in the form that the address speaks."""
    if request.url.path.startswith(enrol.PREFIX):
        return enrol.error_answer(failure)
    if request.url.path.startswith("/api/") or request.method not in ("GET", "POST"):
        return _json(failure)
    if failure.status == 401:
        return RedirectResponse(login_address(request), status_code=303)
    return page(request, "error.html", failure.status, failure=failure)


def _json(failure: Failure) -> JSONResponse:
    headers = {} if failure.retry_after_seconds is None else {"retry-after": f"{failure.retry_after_seconds:.0f}"}
    return JSONResponse({"code": failure.code, "message": failure.message}, failure.status, headers)
