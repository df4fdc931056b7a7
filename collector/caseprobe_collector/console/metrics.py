"""Figures of the process for Prometheus, on a loopback listener of their own; counts only, no name of anything."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Gauge, PlatformCollector, ProcessCollector, generate_latest
from starlette.responses import Response

from caseprobe_collector.access import Action
from caseprobe_collector.console.routing import Route, add_routes, check_rules

TEXT = "text/plain; version=0.0.4; charset=utf-8"


def create_metrics(agents_connected: Callable[[], int]) -> FastAPI:
    """An application that answers /metrics; agents_connected is asked at each scrape."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    gauge = Gauge("caseprobe_agents_connected", "Streams of agents that are open now.", registry=registry)
    gauge.set_function(lambda: float(agents_connected()))

    async def get_metrics() -> Response:
        return Response(generate_latest(registry), media_type=TEXT)

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    # Whoever can reach this listener is on the machine already; over HTTPS there is no such address.
    add_routes(app, [Route("GET", "/metrics", Action.PUBLIC, get_metrics)])
    check_rules(app)
    return app
