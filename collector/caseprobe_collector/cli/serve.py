"""`serve`: run the collector until it is told to stop."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Annotated

import typer

from caseprobe_collector.config import CollectorConfig, load_config


def serve(
    config: Annotated[Path | None, typer.Option(help="settings file; /etc/caseprobe/collector.toml by default")] = None,
    data_folder: Annotated[Path | None, typer.Option(help="where everything is kept")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="say where it listens as one JSON line")] = False,
) -> int:
    """Listen for agents (gRPC), staff and enrolment (HTTPS) until SIGTERM or Ctrl-C."""
    settings = load_config(config, data_folder=data_folder)
    asyncio.run(_serve(settings, json_output))
    return 0


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
