"""The console: HTTP API, pages, WebSocket, enrolment and health, on one HTTPS port."""

from __future__ import annotations

from fastapi import FastAPI

from caseprobe_collector.console.application import build
from caseprobe_collector.console.health import Ready, always_ready
from caseprobe_collector.console.metrics import create_metrics
from caseprobe_collector.console.services import Services


def create_console(services: Services, ready: Ready = always_ready) -> FastAPI:
    """The console over these use cases.

    ready is asked by /readyz and raises a CaseprobeError where the collector cannot serve.
    Raises RuntimeError where a route does not declare its action.
    """
    return build(services, ready)


__all__ = ["Services", "create_console", "create_metrics"]
