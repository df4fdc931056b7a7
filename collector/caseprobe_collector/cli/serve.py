"""`serve`: run the collector until it is told to stop. Read by argparse, for typer loads too long."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from caseprobe.errors import UsageError
from caseprobe_collector.config import CollectorConfig, load_config

SUMMARY = "Listen for agents (gRPC), staff and enrolment (HTTPS) until SIGTERM or Ctrl-C."


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see: {self.prog} --help)")


def run(arguments: Sequence[str]) -> int:
    """Serve with these arguments; raises UsageError, ConfigurationError."""
    asked = _parser().parse_args(arguments)
    settings = load_config(asked.config, data_folder=asked.data_folder)
    _log_to_stderr()
    # What a start makes stays for good: looking through it for garbage again and again only costs.
    gc.disable()
    asyncio.run(_serve(settings, asked.json))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="caseprobe-collector serve", description=SUMMARY, allow_abbrev=False)
    parser.add_argument("--config", type=Path, help="settings file; /etc/caseprobe/collector.toml by default")
    parser.add_argument("--data-folder", type=Path, help="where everything is kept")
    parser.add_argument("--json", action="store_true", help="say where it listens as one JSON line")
    return parser


def _log_to_stderr() -> None:
    """stdout is the answer's: whoever reads one line of it and no more must never make the collector wait."""
    handler = logging.StreamHandler(sys.stderr)
    form = logging.Formatter("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    form.converter = time.gmtime
    handler.setFormatter(form)
    ours = logging.getLogger("caseprobe")
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)


async def _serve(settings: CollectorConfig, json_output: bool) -> None:
    from caseprobe_collector.app import running_collector

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running_collector(settings) as addresses:
        gc.freeze()
        gc.enable()
        if json_output:
            print(json.dumps({"ready": True, **addresses}), flush=True)
        else:
            for name, address in addresses.items():
                print(f"{name:10} {address}", flush=True)
        await stop.wait()
