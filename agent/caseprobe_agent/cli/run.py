"""Keep this machine connected to support: answer what its policy and its owner allow, run timetables, also offline.

Runs until stopped (Ctrl-C, SIGTERM, `caseprobe leave`). Messages go to stderr. `caseprobe status` and
`caseprobe consent` speak to it from another terminal.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator

from caseprobe.errors import Revoked
from caseprobe_agent.app.messages import tell
from caseprobe_agent.cli import options
from caseprobe_agent.config import Settings

SUMMARY = "stay connected: answer support and run timetables, as policy allows"
STOPPED, INTERRUPTED = 0, 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `run`."""
    parser.add_argument(
        "--log-level", default="", choices=("debug", "info", "warning", "error"), help="how much is told"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the resident agent; gives the exit code."""
    settings = options.settings_of_agent(log_level=arguments.log_level)
    level = settings.log_level.upper()
    tell(level, sys.stderr)
    return asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> int:
    """Until a signal, the owner, or the collector ends it."""
    from caseprobe_agent.app.resident import resident

    async with resident(settings, _tell) as agent:
        with _signals(agent.stopped) as received:
            _tell(f"caseprobe agent {agent.agent_id} for {agent.collector}; Ctrl-C stops it")
            watch = asyncio.create_task(_watch(agent.link.connected, agent.collector))
            try:
                await agent.run()
            except Revoked as error:
                raise Revoked(f"{error}; `caseprobe leave` cleans up here") from None
            finally:
                watch.cancel()
                await asyncio.gather(watch, return_exceptions=True)
        return INTERRUPTED if signal.SIGINT in received else STOPPED


async def _watch(connected: asyncio.Event, collector: str) -> None:
    """Say once that it is connected; later changes are in `status` and, with --log-level info, in the log."""
    await connected.wait()
    _tell(f"connected to {collector}")


@contextlib.contextmanager
def _signals(stopped: asyncio.Event) -> Iterator[list[signal.Signals]]:
    """Stop in order on SIGINT and SIGTERM; gives those that came."""
    loop = asyncio.get_running_loop()
    received: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        received.append(number)
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    try:
        yield received
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _tell(text: str) -> None:
    """A message to whoever watches."""
    print(text, file=sys.stderr, flush=True)
