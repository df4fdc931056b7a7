"""`serve`: run the collector until it is told to stop."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer

from caseprobe_collector.config import CollectorConfig, load_config


def serve(
    config: Annotated[Path | None, typer.Option(help="settings file; /etc/caseprobe/collector.toml by default")] = None,
    data_folder: Annotated[Path | None, typer.Option(help="where everything is kept")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="say where it listens as one JSON line")] = False,
) -> int:
    """Listen for agents (gRPC), staff and enrolment (HTTPS) until SIGTERM or Ctrl-C."""
    settings = load_config(config, data_folder=data_folder)
    _log_to_stderr()
    asyncio.run(_serve(settings, json_output))
    return 0


def _log_to_stderr() -> None:
    """stdout is the answer's: whoever reads one line of it and no more must never make the collector wait.

    Tracebacks are plain: the default shows local variables, and keys are among them.
    """
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


async def _serve(settings: CollectorConfig, json_output: bool) -> None:
    from caseprobe_collector.app import running_collector

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running_collector(settings) as addresses:
        if json_output:
            print(json.dumps({"ready": True, **addresses}), flush=True)
        else:
            for name, address in addresses.items():
                print(f"{name:10} {address}", flush=True)
        await stop.wait()
