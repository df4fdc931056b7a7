"""Figures for operations, on a loopback listener of their own: no login, nothing of any customer in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Gauges(Collector):
    """Values that are read when they are asked for."""

    def __init__(self, gauges: dict[str, tuple[str, Callable[[], float]]]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        """One gauge each."""
        for name, (meaning, read) in self._gauges.items():
            yield GaugeMetricFamily(name, meaning, value=read())


class Links(Protocol):
    """What is told of the machines' streams."""

    most: int
    shed_total: int

    def count(self) -> int:
        """Open streams."""
        ...


def create_metrics(links: Links) -> Starlette:
    """An application that answers /metrics in Prometheus's text format."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(
        _Gauges(
            {
                "caseprobe_open_links": ("Agents' streams that are open now.", links.count),
                "caseprobe_open_links_limit": ("As many may be open (most_machines).", lambda: links.most),
                "caseprobe_shed_links": (
                    "Streams that were refused at the limit.",
                    lambda: links.shed_total,
                ),
            }
        )
    )

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE)

    return Starlette(routes=[Route("/metrics", metrics)])
