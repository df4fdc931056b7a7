"""A live command from the API's click to the agent's word that it runs, against an echo with the same two commits."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from caseprobe.v1 import link_pb2
from caseprobe_collector.storage import create_storage, open_storage
from tests.bench import echo
from tests.bench.reading import Row
from tests.desk import ADMIN, Rig, Stream, running_desk

COUNT = 200
WARM = 20


def measure() -> list[Row]:
    """Median of the product's round trip and of the floor's, interleaved in blocks in one process."""
    product, floor = asyncio.run(_both())
    ratio = statistics.median(product) / statistics.median(floor)
    return [
        Row(
            f"live command round trip, p50 of {len(product)}",
            f"{echo.median_ms(product):.2f} ms",
            f"gRPC echo over TLS with the same two durable commits: {echo.median_ms(floor):.2f} ms; ratio {ratio:.2f}",
            "≤ 2.0 ×",
            ratio <= 2.0,
        )
    ]


async def _both() -> tuple[list[float], list[float]]:
    product: list[float] = []
    floor: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        create_storage(folder / "data")
        async with open_storage(folder / "data") as storage, running_desk(storage) as rig:
            certificate, key = storage.authority.server_certificate(["127.0.0.1"])
            server, port = await echo.serve(folder, key, certificate)
            machine = await rig.enrol()
            async with rig.stream(machine) as stream:
                await stream.next("welcome")
                commits = echo.Commits(folder / "agent.sqlite")
                for block in range(5):
                    count = COUNT // 5 + (WARM if block == 0 else 0)
                    product += await _product(rig, machine.agent_id, stream, commits, count)
                    floor += await echo.round_trips(folder, port, storage.authority.ca_pem(), count)
            await server.stop(None)
    return product[WARM:], floor[WARM:]


async def _product(rig: Rig, agent_id: str, stream: Stream, commits: echo.Commits, count: int) -> list[float]:
    """Request, audit and session committed, command sent, start marker committed, first round back on the bus."""
    request = link_pb2.CommandRequest(deadline_seconds=60, path=link_pb2.PathAction(target="192.0.2.1", rounds=1))
    seconds: list[float] = []
    async with rig.bus.subscribe("case:case_1") as events:
        for _ in range(count):
            begin = time.perf_counter()
            await rig.sessions.request(ADMIN, "case_1", agent_id, request)
            command = link_pb2.CommandRequest.FromString((await stream.next("command")).request)
            await commits.add(command.SerializeToString())
            rounds = link_pb2.Rounds(session_id=command.command_id)
            await stream.send(rounds=rounds)
            async for event in events:
                if event.kind == "rounds":
                    break
            seconds.append(time.perf_counter() - begin)
    return seconds
