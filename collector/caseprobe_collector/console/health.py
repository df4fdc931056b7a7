"""Whether the process lives and whether it can serve, for whoever runs it; tells nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request
from starlette.responses import JSONResponse

from caseprobe.errors import CaseprobeError
from caseprobe_collector.access import Action
from caseprobe_collector.console.routing import Route

Ready = Callable[[], Awaitable[None]]


async def always_ready() -> None:
    """Stands in where nothing needs to be asked."""


async def get_healthz() -> JSONResponse:
    """The process answers."""
    return JSONResponse({"status": "ok"})


async def get_readyz(request: Request) -> JSONResponse:
    """Evidence can be stored now; 503 with the error's code and line where it cannot."""
    try:
        await request.app.state.ready()
    except CaseprobeError as error:
        return JSONResponse({"status": "unavailable", "code": error.code, "why": str(error)}, status_code=503)
    return JSONResponse({"status": "ok"})


ROUTES = (
    Route("GET", "/healthz", Action.PUBLIC, get_healthz),
    Route("GET", "/readyz", Action.PUBLIC, get_readyz),
)
