"""A collector with a 1 GiB store, killed under load: its first acknowledgement, its machines' return, a full spool.

The collector is a process of its own, the machines are streams of this one; both share the cores.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from caseprobe.v1 import link_pb2, link_pb2_grpc, snapshot_pb2
from caseprobe_agent.demo import free_ports
from caseprobe_collector.app.build import SystemClock
from caseprobe_collector.records import Agent
from caseprobe_collector.storage import Storage, create_storage, open_storage
from tests.bench.ingest import frame_of
from tests.bench.reading import Row
from tests.desk import Machine
from tests.fakes_storage import customer, deliver, deposit, snapshot

STORE_BYTES, BODY_BYTES = 1 << 30, 200_000
MACHINES, SPOOLED, WINDOW = 1000, 10_000, 512
TOGETHER = 16
KILLS = 3
RETRY_SECONDS = 0.02
CERTIFICATES_AT_ONCE = 250


def measure() -> list[Row]:
    """The lines of the table."""
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:
        found = asyncio.run(_figures(Path(folder)))
    first, start = max(found.first_acks), found.bare_start
    return [
        Row(
            f"first ack after SIGKILL under load, store of {STORE_BYTES >> 30} GiB, worst of {KILLS}",
            f"{first:.2f} s after the start of the process",
            f"the same with an empty store: {start:.2f} s",
            "≤ 1 s",
            first <= 1.0,
        ),
        Row(
            f"{MACHINES} machines back after SIGKILL",
            f"{found.back:.1f} s, {found.tries:.1f} tries each",
            "-",
            "≤ 15 s",
            found.back <= 15,
        ),
        Row(f"{SPOOLED} spooled items drained", f"{found.drained:.1f} s", "-", "≤ 30 s", found.drained <= 30),
    ]


@dataclass
class _Found:
    first_acks: list[float]
    bare_start: float = 0.0
    back: float = 0.0
    tries: float = 0.0
    drained: float = 0.0


@dataclass
class Collector:
    """The process under test, on a folder and ports that stay the same."""

    folder: Path
    child: subprocess.Popen[bytes] | None = None
    port: int = 0
    ca: bytes = b""

    def prepare(self) -> None:
        self.port, https, metrics = free_ports(3)
        (self.folder / "collector.toml").write_text(
            f'data_folder = "{self.folder / "data"}"\nlink_host = "127.0.0.1"\nlink_port = {self.port}\n'
            f'https_host = "127.0.0.1"\nhttps_port = {https}\nmetrics_port = {metrics}\n'
            'public_names = ["127.0.0.1"]\n'
        )

    def start(self) -> None:
        command = [sys.executable, "-m", "caseprobe_collector", "serve", "--json"]
        self.child = subprocess.Popen(
            [*command, "--config", str(self.folder / "collector.toml")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        if self.child is not None:
            self.child.kill()
            self.child.wait()


async def _figures(folder: Path) -> _Found:
    found = _Found([])
    bare = Collector(folder / "bare")
    bare_machine = (await furnish(bare, 0, 1))[0]
    full = Collector(folder / "full")
    machines = await furnish(full, STORE_BYTES, MACHINES)
    try:
        found.bare_start = await _first_ack(bare, bare_machine, 1)
        bare.kill()
        for number in range(KILLS):
            found.first_acks.append(await _first_ack(full, machines[0], number + 1))
            await _killed_under_load(full, machines[0], 1000 * (number + 1))
        full.start()
        found.back, found.tries = await _storm(full, machines)
        found.drained = await _drain(full, machines[1])
    finally:
        bare.kill()
        full.kill()
    return found


async def furnish(collector: Collector, size_bytes: int, machines: int) -> list[Machine]:
    """A store of this size, and enrolled machines with certificates."""
    collector.folder.mkdir()
    collector.prepare()
    create_storage(collector.folder / "data")
    async with open_storage(collector.folder / "data") as storage:
        collector.ca = storage.authority.ca_pem()
        await storage.transactions.run(lambda tx: storage.customers.add_customer(tx, customer()))
        made = [_certify(storage) for _ in range(machines)]
        for first in range(0, len(made), CERTIFICATES_AT_ONCE):
            await _enter(storage, made[first : first + CERTIFICATES_AT_ONCE])
        noise = random.Random(1).randbytes(BODY_BYTES)
        for first in range(0, size_bytes // BODY_BYTES, 64):
            await asyncio.gather(
                *(_fill(storage, made[0].agent_id, number, noise) for number in range(first, first + 64))
            )
    return made


async def _fill(storage: Storage, agent_id: str, number: int, noise: bytes) -> None:
    body = number.to_bytes(8, "big") + noise
    await deliver(storage, deposit(snapshot(f"snap_fill{number}", body, agent_id=agent_id)))


async def _enter(storage: Storage, machines: list[Machine]) -> None:
    now = SystemClock().now()

    async def work(tx: Any) -> None:
        for machine in machines:
            until = now + timedelta(days=1)
            await storage.fleet.put_agent(
                tx, Agent(machine.agent_id, "cust_a", "bench", "linux", "0.1.0", "enrolled", now, until)
            )

    await storage.transactions.run(work)


def _certify(storage: Storage) -> Machine:
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    until = SystemClock().now() + timedelta(hours=1)
    agent_id, certificate = storage.authority.sign(csr.public_bytes(serialization.Encoding.DER), until)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Machine(agent_id, key.private_bytes(*form), certificate)


@contextlib.asynccontextmanager
async def stream_of(collector: Collector, machine: Machine, instance: int) -> AsyncIterator[Any]:
    credentials = grpc.ssl_channel_credentials(collector.ca, machine.key_pem, machine.certificate_pem)
    options = (("grpc.initial_reconnect_backoff_ms", 20), ("grpc.use_local_subchannel_pool", 1))
    async with grpc.aio.secure_channel(f"127.0.0.1:{collector.port}", credentials, options=options) as channel:
        call = link_pb2_grpc.LinkServiceStub(channel).Link()
        hello = link_pb2.Hello(agent_id=machine.agent_id, spool_id="spool_1", stream_number=instance)
        await call.write(link_pb2.LinkRequest(hello=hello))
        yield call
        call.cancel()


async def next_frame(call: Any, kind: str) -> Any:
    while True:
        frame = await call.read()
        if frame is grpc.aio.EOF:
            raise ConnectionError(kind)
        if frame.WhichOneof("frame") == kind:
            return getattr(frame, kind)


def _frame(machine: Machine, number: int) -> link_pb2.LinkRequest:
    noise = random.Random(number).randbytes(900).hex()
    one = snapshot_pb2.Snapshot(
        snapshot_id=f"snap_{number:032x}", agent_id=machine.agent_id, profile="quick", schedule_id=noise
    )
    return link_pb2.LinkRequest(data=frame_of(one, number))


async def _first_ack(collector: Collector, machine: Machine, number: int) -> float:
    """Seconds from the start of the process to the first acknowledgement."""
    collector.start()
    began = time.perf_counter()
    while True:
        try:
            async with stream_of(collector, machine, number) as call:
                await call.write(_frame(machine, number))
                await next_frame(call, "ack")
                return time.perf_counter() - began
        except (grpc.aio.AioRpcError, ConnectionError):
            await asyncio.sleep(RETRY_SECONDS)


async def _killed_under_load(collector: Collector, machine: Machine, first: int) -> None:
    async with stream_of(collector, machine, first) as call:
        for number in range(first, first + 300):
            await call.write(_frame(machine, number))
        await next_frame(call, "ack")
        collector.kill()


async def _storm(collector: Collector, machines: list[Machine]) -> tuple[float, float]:
    """(seconds until every machine has its Welcome, tries of one machine in the mean)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8 * len(machines))), hard))
    began, tries = time.perf_counter(), 0
    dice = random.Random(1)

    async def back(machine: Machine) -> None:
        nonlocal tries
        while True:
            tries += 1
            try:
                async with stream_of(collector, machine, 1_000_000) as call:
                    await next_frame(call, "welcome")
                    return
            except (grpc.aio.AioRpcError, ConnectionError):
                await asyncio.sleep(dice.uniform(0.5, 2.0))

    await asyncio.gather(*(back(machine) for machine in machines))
    return time.perf_counter() - began, tries / len(machines)


async def _drain(collector: Collector, machine: Machine) -> float:
    """Seconds for a backlog, sent as the agent does: several records in a frame, within a window."""
    first = 10_000_000
    records = [_frame(machine, first + number).data for number in range(SPOOLED)]
    batches = [link_pb2.Batch(records=records[at : at + TOGETHER]) for at in range(0, SPOOLED, TOGETHER)]
    began = time.perf_counter()
    async with stream_of(collector, machine, 2_000_000) as call:
        acked = 0
        for number, batch in enumerate(batches):
            while number * TOGETHER - acked > WINDOW:
                acked = int((await next_frame(call, "ack")).sequence) - first + 1
            await call.write(link_pb2.LinkRequest(batch=batch))
        while acked < SPOOLED:
            acked = int((await next_frame(call, "ack")).sequence) - first + 1
    return time.perf_counter() - began


if __name__ == "__main__":
    print(json.dumps([vars(row) for row in measure()], indent=1))
    print(f"load average {os.getloadavg()[0]:.1f}", file=sys.stderr)
