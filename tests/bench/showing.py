"""How soon after consent support sees the first section of a bundle, and the others, where nobody looks at it first.

A collector and an agent of their own processes, and a client at the WebSocket of the case's page. Consent: the machine
admitted the run and its link is up, as the machine's own audit dates it.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from caseprobe.v1 import link_pb2
from caseprobe_agent.app.parts import credentials_of, hello_of
from caseprobe_agent.audit import Entry, parse
from caseprobe_agent.identity import ONE_SHOT
from caseprobe_agent.identity.state import load
from caseprobe_agent.link.channel import open_call, open_channel
from tests.bench.reading import Row
from tests.stand import Customer, Stand

RUNS = 5
ROUND_TRIPS = 100
WAIT_SECONDS = 30.0
AIM_SECONDS = 0.3


@dataclass(frozen=True)
class Seen:
    """One run: seconds after consent, all by the machine's wall clock."""

    first: float
    since_admitted: float
    half: float
    last: float
    whole: float


def measure() -> list[Row]:
    """The first section's arrival beside a round trip of the same link; then the others and the bundle itself."""
    with tempfile.TemporaryDirectory() as name:
        stand = Stand(Path(name))
        try:
            stand.open()
            customer = Customer(Path(name))
            runs = [asyncio.run(_run(stand, customer)) for _ in range(RUNS)]
            floor = asyncio.run(_round_trips(customer))
        finally:
            stand.stop()
            stand.disk.close()
    first = statistics.median(run.first for run in runs)
    middle = {name: statistics.median(getattr(run, name) for run in runs) * 1e3 for name in vars(runs[0])}
    return [
        Row(
            f"first section of a bundle at the case's WebSocket, after consent (median of {RUNS})",
            f"{first * 1e3:.0f} ms ({min(r.first for r in runs) * 1e3:.0f}-{max(r.first for r in runs) * 1e3:.0f})",
            f"round trip of the link: {floor * 1e3:.1f} ms; ratio {first / floor:.0f}",
            "≤ 300 ms",
            first <= AIM_SECONDS,
        ),
        Row(
            "the same after the machine's policy admitted it; half of the sections, all, and the finished bundle",
            f"{middle['since_admitted']:.0f} ms; {middle['half']:.0f}, {middle['last']:.0f}, {middle['whole']:.0f} ms",
            "without it support sees the last figure only",
            "-",
            True,
        ),
    ]


async def _run(stand: Stand, customer: Customer) -> Seen:
    """One bundle of the quick profile, watched."""
    code = await asyncio.to_thread(stand.call, "POST", f"/cases/{stand.case_id}/join-codes", {"lifetime_seconds": 3600})
    async with _watched(stand) as socket:
        sending = asyncio.create_task(asyncio.to_thread(customer.bundle, code["text"]))
        async with asyncio.timeout(WAIT_SECONDS):
            told = [one async for one in _told(socket)]
        ended = await sending
    assert ended.code == 0, ended.stderr
    done = [(at, one["items_done"] / one["items_total"]) for at, one in told if one["kind"] == "draft"]
    consented, admitted = (_moment(_newest(customer, action)) for action in ("showing", "admitted:health"))
    first, half = done[0][0], next(at for at, ratio in done if ratio >= 0.5)
    return Seen(first - consented, first - admitted, half - consented, done[-1][0] - consented, told[-1][0] - consented)


@asynccontextmanager
async def _watched(stand: Stand) -> AsyncIterator[ClientConnection]:
    address = f"{stand.console.replace('http', 'ws', 1)}/api/v1/live?topics=case:{stand.case_id}"
    async with connect(address, additional_headers={"authorization": f"Bearer {stand.token}"}) as socket:
        yield socket


async def _told(socket: ClientConnection) -> AsyncIterator[tuple[float, dict[str, Any]]]:
    """Messages with the moment of their arrival, up to that of the stored bundle."""
    async for text in socket:
        message = json.loads(text)
        yield time.time(), message
        if message["kind"] == "snapshot":
            return


def _newest(customer: Customer, action: str) -> Entry:
    lines = (customer.folder / "state" / "audit.jsonl").read_text().splitlines()
    return next(entry for entry in map(parse, reversed(lines)) if entry.action == action)


def _moment(entry: Entry) -> float:
    return datetime.fromisoformat(entry.at).timestamp()


async def _round_trips(customer: Customer) -> float:
    """Median of heartbeat and answer on a plain stream of the same key to the same collector."""
    identity = load(customer.folder / "state" / ONE_SHOT.replace("_", "-"), ONE_SHOT)
    assert identity is not None
    seconds = []
    async with open_channel(credentials_of(identity, "none")) as channel:
        call = open_call(channel)
        await call.write(link_pb2.LinkRequest(hello=hello_of(identity, "spool_floor", "", "", "")).SerializeToString())
        await call.read()
        for _ in range(ROUND_TRIPS):
            begin = time.perf_counter()
            await call.write(link_pb2.LinkRequest(heartbeat=link_pb2.Heartbeat()).SerializeToString())
            await call.read()
            seconds.append(time.perf_counter() - begin)
        call.cancel()
    return statistics.median(seconds)
