"""Whether the process lives, whether it can serve and what its store warns of, for whoever runs it; no more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request
from starlette.responses import JSONResponse

from caseprobe.errors import CaseprobeError
from caseprobe_collector.access import Action
from caseprobe_collector.console.routing import Route

# Gives what the store warns of, or raises what keeps it from serving.
Ready = Callable[[], Awaitable[list[str]]]


async def always_ready() -> list[str]:
    """Stands in where nothing needs to be asked."""
    return []


async def get_healthz() -> JSONResponse:
    """The process answers."""
    return JSONResponse({"status": "ok"})


async def get_readyz(request: Request) -> JSONResponse:
    """Evidence can be stored now; 503 with the error's code and line where it cannot.

    warnings: what was found missing or damaged, a line each.
    """
    try:
        warnings = await request.app.state.ready()
    except CaseprobeError as error:
        return JSONResponse({"status": "unavailable", "code": error.code, "why": str(error)}, status_code=503)
    return JSONResponse({"status": "ok", "warnings": warnings})


ROUTES = (
    Route("GET", "/healthz", Action.PUBLIC, get_healthz),
    Route("GET", "/readyz", Action.PUBLIC, get_readyz),
)
